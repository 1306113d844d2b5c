package audit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/metric"
)

// written is the line's members; nil without a line.
func written(t testing.TB, l Line) map[string]any {
	t.Helper()
	log := metrictest.Capture(t)
	l.Log(t.Context())
	text := log.String()
	if text == "" {
		return nil
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(text), &members); err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	return members
}

func TestLine(t *testing.T) {
	l := Line{Operation: "some-operation", Kind: "app", Did: "numbers erased", Outcome: metric.LockedOut, Status: 429, Erasure: "e1"}
	l.Subject("135****1111", "1.aa")
	l.Subject("wen11", "1.bb")
	if got := written(t, l); got != nil {
		t.Errorf("a line of nobody: %v", got)
	}
	l.Principal = "ak"
	got := written(t, l)
	delete(got, "time")
	want := "map[did:numbers erased erasure:e1 kind:app level:INFO msg:audit operation:some-operation" +
		" outcome:refused principal:ak status:429 subject:1.aa 1.bb subjects:2]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	for outcome := metric.Failed; outcome <= metric.LockedOut; outcome++ {
		if outcomes[outcome] == "" {
			t.Errorf("outcome %d has no word", outcome)
		}
	}
}

// What the two headers say, and what the line says of what it leaves out. Nothing of a
// subject's identifier comes into it.
func TestNotes(t *testing.T) {
	long := strings.Repeat("é", 129) // 258 bytes
	for _, test := range []struct {
		reasons, tickets        []string
		reason, ticket, omitted any
	}{
		{nil, nil, nil, nil, nil},
		{[]string{""}, []string{" \t"}, nil, nil, nil},
		{[]string{" asked by phone "}, []string{"CASE-1"}, "asked by phone", "CASE-1", nil},
		{[]string{"a", "", "a"}, []string{"b", "b"}, "a", "b", nil},
		{[]string{"a", "b"}, []string{"b", "c", "b"}, nil, nil, "reason given twice, ticket given twice"},
		{[]string{long}, []string{long[:128]}, long[:256], long[:128], "reason cut"},
		{[]string{"x" + long}, []string{long[:128] + "x"}, "x" + long[:254], nil, "ticket too long, reason cut"},
		{[]string{"caf\xe9"}, []string{"%C3%A9"}, "café", "%C3%A9", nil},
		{[]string{"a\x85b"}, []string{"a\u202eb"}, nil, nil, "reason not printable, ticket not printable"},
		{[]string{"a\nb"}, []string{"\x00"}, nil, nil, "reason not printable, ticket not printable"},
		{[]string{`"}{"msg":"x`}, []string{"<&>"}, `"}{"msg":"x`, "<&>", nil},
		{[]string{"customer 4711-a asked"}, []string{"T-4711-a"}, nil, nil, "reason names the subject, ticket names the subject"},
		{[]string{"customer x4711-ab asked"}, []string{"4711"}, "customer x4711-ab asked", "4711", nil},
		{[]string{strings.Repeat("x", 250) + " 4711-a"}, nil, nil, nil, "reason names the subject"},
	} {
		l := Line{Principal: "csr", Note: ReadNote(http.Header{ReasonHeader: test.reasons, TicketHeader: test.tickets})}
		l.Subject("4711-a", "1.aa")
		l.Subject("a", "1.bb")
		got := written(t, l)
		if got["reason"] != test.reason || got["ticket"] != test.ticket || got["omitted"] != test.omitted {
			t.Errorf("%q %q: %q %q %q", test.reasons, test.tickets, got["reason"], got["ticket"], got["omitted"])
		}
		if ticket, _ := test.ticket.(string); l.Note.Ticket() != ticket {
			t.Errorf("the ticket is %q", l.Note.Ticket())
		}
	}
}

// An identifier is found where it stands as a word, however short it is and whatever else
// of the text is like it.
func TestIdentifiersInNotes(t *testing.T) {
	for _, test := range []struct {
		identifier, reason string
		left               bool
	}{
		{"ann", "ann asked", false}, {"ann", "anna asked", true}, {"ann", "joann asked", true}, {"ann", "(ann)", false},
		{"42", "customer 42", false}, {"42", "customer 421", true}, {"李", "李 asked", false}, {"7", "7 days", true}, {"", "nobody", true},
		{"a-a", "xa-a-a", false}, // of two that overlap, the second
		{"+49 30", "x+49 30", false}, {"+49 30", "+49 300", true}, {"+49 30", "+49 30é", true}, {"4711#", "4711#x", false},
	} {
		l := Line{Principal: "csr", Note: ReadNote(http.Header{ReasonHeader: {test.reason}, TicketHeader: {test.reason}})}
		l.Subject(test.identifier, "1.aa")
		got := written(t, l)
		if (got["reason"] == test.reason) != test.left || (got["ticket"] == test.reason) != test.left || (got["omitted"] == nil) != test.left {
			t.Errorf("%q in %q: %v", test.identifier, test.reason, got)
		}
	}
}

func FuzzNote(f *testing.F) {
	f.Add("a", "b", "c", "4711")
	f.Add("\xff\n", strings.Repeat("é", 300), "4711 %", "4711")
	f.Fuzz(func(t *testing.T, a, b, c, identifier string) {
		l := Line{Principal: "csr", Note: ReadNote(http.Header{ReasonHeader: {a, b}, TicketHeader: {c}})}
		l.Subject(identifier, "1.aa")
		got := written(t, l)
		for name, most := range map[string]int{"reason": maxReason, "ticket": maxTicket} {
			text, _ := got[name].(string)
			if len(text) > most || !utf8.ValidString(text) ||
				strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) ||
				len(identifier) >= shortestName && text == identifier {
				t.Errorf("%s is %q", name, text)
			}
		}
	})
}
