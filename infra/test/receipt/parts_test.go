package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"customercare/shared/receipt"
)

// parts is a receipt taken apart, so that a test can alter one thing in it and leave all
// others as they are.
type parts struct {
	format           string
	extra            string // the text within: the statement's line, and the data subject's
	index            string
	path             []string
	origin, size     string
	root, extensions string
	signatures       []string // lines, without their line feeds
}

// take takes a receipt apart.
func take(t testing.TB, text []byte) *parts {
	t.Helper()
	lines := strings.Split(string(text), "\n")
	empty := slices.Index(lines, "")
	extra, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{
		format: lines[0], extra: string(extra), index: strings.TrimPrefix(lines[2], "index "), path: lines[3:empty],
		origin: lines[empty+1], size: lines[empty+2], root: lines[empty+3], signatures: lines[empty+5 : len(lines)-1],
	}
	if !bytes.Equal(p.text(), text) {
		t.Fatalf("taken apart and put together again it is\n%s\nnot\n%s", p.text(), text)
	}
	return p
}

// text puts the receipt together.
func (p *parts) text() []byte {
	lines := []string{p.format, "extra " + base64.StdEncoding.EncodeToString([]byte(p.extra)), "index " + p.index}
	lines = append(append(lines, p.path...), "", p.origin, p.size, p.root+p.extensions, "")
	return []byte(strings.Join(append(lines, p.signatures...), "\n") + "\n")
}

// statement is the line that is the leaf; about is the one of the data subject.
func (p *parts) statement() string {
	line, _, _ := strings.Cut(p.extra, "\n")
	return line
}

func (p *parts) about() string {
	_, line, _ := strings.Cut(p.extra, "\n")
	return strings.TrimSuffix(line, "\n")
}

// say replaces the statement's line, tell the data subject's.
func (p *parts) say(line string) { p.extra = line + "\n" + p.about() + "\n" }

func (p *parts) tell(line string) { p.extra = p.statement() + "\n" + line + "\n" }

// subject alters what the line of the data subject says, and writes it as the writer of
// receipts would.
func (p *parts) subject(t testing.TB, alter func(*receipt.Subject)) {
	t.Helper()
	var s receipt.Subject
	if err := json.Unmarshal([]byte(p.about()), &s); err != nil {
		t.Fatal(err)
	}
	alter(&s)
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	p.tell(string(line))
}

// respelled gives a base64 text that stands for the same bytes, but is another text: the
// bits that no byte needs are set. It is "" where there are none.
func respelled(text string) string {
	last := strings.TrimRight(text, "=")
	if last == text || text == "" {
		return ""
	}
	at := strings.IndexByte(alphabet, last[len(last)-1])
	return last[:len(last)-1] + string(alphabet[at+1]) + text[len(last):]
}

// alphabet is that of base64.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// field is one of a JSON object with its value, as they stand in its line.
type field struct{ name, value string }

// fields are those of a line, in their order.
func fields(t testing.TB, line string) (all []field) {
	t.Helper()
	read := json.NewDecoder(strings.NewReader(line))
	if _, err := read.Token(); err != nil {
		t.Fatal(err)
	}
	for read.More() {
		name, err := read.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := read.Decode(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, field{name.(string), string(value)})
	}
	return all
}

// another is a value of the same kind that is not the same.
func another(value string) string {
	switch value[0] {
	case '"':
		return value[:len(value)-1] + `0"`
	case 't':
		return "false"
	case '{':
		return strings.Replace(value, ":1", ":2", 1) // of subjects: n
	}
	if value == "0" {
		return "1"
	}
	return value + "0"
}
