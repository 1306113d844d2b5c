package audit

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"customercare/shared/media"
)

// The headers in which a caller may say why it calls, and for which case. Neither is ever
// a cause to refuse the call.
const (
	ReasonHeader = "X-Erasure-Reason"
	TicketHeader = "X-Erasure-Ticket"
)

// The longest that each may be, in bytes of UTF-8.
const (
	maxReason = 256
	maxTicket = 128
)

// Note is what the two headers say. What no line may carry is left out of it, and the
// line says why.
type Note struct {
	reason, ticket string
	faults         []string
}

// The faults of a header, as the end of "reason ..." or "ticket ...".
const (
	isCut      = "cut"
	isTooLong  = "too long"
	isRepeated = "given twice"
	isNoText   = "not printable"
	isSubject  = "names the subject"
)

// ReadNote reads the headers. A reason that is too long is cut: its beginning still tells
// something. Half a ticket is another ticket, so one that is too long is left out. So are
// two different values of one header, because none of them is the caller's last word, and
// control and format characters, which could make a terminal show something else.
// Percent-encoding stays as it is.
func ReadNote(header http.Header) Note {
	var n Note
	n.reason = n.read(header[ReasonHeader], "reason")
	n.ticket = n.read(header[TicketHeader], "ticket")
	if len(n.ticket) > maxTicket {
		n.ticket = ""
		n.fault("ticket", isTooLong)
	}
	return n
}

// Ticket is the caller's ticket, "" without one that a line may carry.
func (n *Note) Ticket() string { return n.ticket }

// read gives the one value of a header. Values that are empty are not there, and the same
// value again says nothing more.
func (n *Note) read(values []string, field string) (text string) {
	for _, value := range values {
		value = strings.Trim(value, " \t")
		switch {
		case value == "" || value == text:
		case text != "":
			n.fault(field, isRepeated)
			return ""
		default:
			text = value
		}
	}
	if !utf8.ValidString(text) { // as older clients send it
		text = media.FromLatin1([]byte(text))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		n.fault(field, isNoText)
		return ""
	}
	return text
}

// shortestName is how many bytes an identifier has at least that is looked for in a note.
// A single letter or digit names nobody, and stands in many sentences by chance; names of
// two or three characters there are.
const shortestName = 2

// forget leaves out what names the subject with this identifier, as a word of its own.
// Whatever is encoded or spelled in another way is not found: callers have to keep
// subjects out of both headers.
func (n *Note) forget(identifier string) {
	if len(identifier) < shortestName {
		return
	}
	if hasWord(n.reason, identifier) {
		n.reason = ""
		n.fault("reason", isSubject)
	}
	if hasWord(n.ticket, identifier) {
		n.ticket = ""
		n.fault("ticket", isSubject)
	}
}

// hasWord says whether word stands in text without a further letter or digit at its ends.
func hasWord(text, word string) bool {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	first, _ := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		behind, _ := utf8.DecodeRuneInString(text[at+len(word):])
		if !(inWord(before) && inWord(first)) && !(inWord(last) && inWord(behind)) {
			return true
		}
		from = at + 1
	}
}

func (n *Note) fault(field, fault string) { n.faults = append(n.faults, field+" "+fault) }

// whole is the reason as a line may carry it, and what is not in the line whole, and why:
// "" for nothing.
func (n *Note) whole() (reason, omitted string) {
	reason = n.reason
	faults := n.faults
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
		faults = append(faults, "reason "+isCut)
	}
	return reason, strings.Join(faults, ", ")
}
