package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// line is one log line of the stack.
type line struct {
	from string // the function's folder, or the part of the stack
	text string // JSON from a function; plain words when something went wrong outside it
}

// parseLine takes a line apart as the stack writes it, "from: text".
func parseLine(written string) line {
	from, text, ok := strings.Cut(written, ": ")
	if !ok {
		return line{"stack", written}
	}
	return line{from, text}
}

// json is the line as one JSON object that also says whose it is. Plain words become one,
// with the time.
func (l line) json(now time.Time) []byte {
	from, _ := json.Marshal(l.from) // a string always marshals
	if rest, ok := strings.CutPrefix(l.text, "{"); ok && json.Valid([]byte(l.text)) {
		comma := ","
		if strings.HasPrefix(strings.TrimSpace(rest), "}") {
			comma = ""
		}
		return fmt.Appendf(nil, `{"from":%s%s%s`+"\n", from, comma, rest)
	}
	text, _ := json.Marshal(l.text)
	return fmt.Appendf(nil, `{"from":%s,"time":%q,"text":%s}`+"\n", from, now.Format(time.RFC3339Nano), text)
}

// short is what a person has to see of the line, and whether it is an error; empty for
// nothing. Of a function's lines these are its errors and the ends of erasures. Whatever
// is not JSON is an error: a crash, or what a part of the stack could not do.
func (l line) short() (text string, isError bool) {
	var entry struct {
		Level    string  `json:"level"`
		Msg      string  `json:"msg"`
		Cause    string  `json:"cause"`
		Type     string  `json:"type"` // of a panic
		Finished float64 `json:"ErasuresFinished"`
		Items    float64 `json:"ItemsErased"`
	}
	switch err := json.Unmarshal([]byte(l.text), &entry); {
	case err != nil:
		return printable(l.from + ": " + l.text), true
	case entry.Level == "ERROR":
		words := []string{l.from, entry.Msg, entry.Type, entry.Cause}
		words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
		return printable(strings.Join(words, ": ")), true
	case entry.Finished > 0:
		return fmt.Sprintf("an erasure ended, %.0f items of it deleted", entry.Items), false
	}
	return "", false
}

// printable leaves out what would move a terminal's cursor or change its colours.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c >= 0x7f && c < 0xa0 {
			return -1
		}
		return c
	}, text)
}
