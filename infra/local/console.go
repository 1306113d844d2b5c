package local

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"customercare/infra/local/apigateway"
)

// console is what a run says while it runs: short lines to a person at a terminal, errors
// in any case, and every log line to the log file. Its methods may be called at the same
// time.
type console struct {
	mu       sync.Mutex // of all that is written
	terminal io.Writer  // nil when nobody is watching
	errors   io.Writer  // the terminal, or stderr
	colours  bool
	json     bool      // log lines are shown as they are in the file, in place of short ones
	file     io.Writer // set before the first log line
	full     sync.Once // the file takes no more lines
	now      func() time.Time
}

// newConsole takes stderr for a terminal when it is one, else stdout: stdout may be a
// script's, or stderr a file.
func newConsole(s settings, stdout, stderr *os.File) *console {
	c := &console{errors: stderr, json: s.Log == "json", file: io.Discard, now: time.Now}
	for _, f := range []*os.File{stderr, stdout} {
		if c.terminal == nil && term.IsTerminal(int(f.Fd())) {
			c.terminal = f
		}
	}
	c.colours = s.colours() && term.IsTerminal(int(stderr.Fd()))
	return c
}

// say tells the person at the terminal, if there is one.
func (c *console) say(text string) {
	if c.terminal != nil {
		_ = c.write(c.terminal, text)
	}
}

// insist tells the person at the terminal, or else stderr: what was asked for.
func (c *console) insist(text string) { _ = c.write(cmp.Or(c.terminal, c.errors), text) }

// fail shows an error.
func (c *console) fail(text string) { _ = c.write(c.errors, c.paint(red, text)+"\n") }

func (c *console) write(to io.Writer, text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := io.WriteString(to, text)
	return err
}

const (
	red, yellow, dim, plain = "\x1b[1;31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
)

func (c *console) paint(colour, text string) string {
	if !c.colours || colour == "" {
		return text
	}
	return colour + text + plain
}

// Write takes log lines of the stack, whole ones.
func (c *console) Write(p []byte) (int, error) {
	for text := range bytes.Lines(p) {
		c.log(parseLine(strings.TrimRight(string(text), "\r\n")))
	}
	return len(p), nil
}

func (c *console) log(l line) {
	now := c.now()
	c.store(l.json(now))
	if c.json {
		return
	}
	switch text, isError := l.short(); {
	case text == "":
	case isError:
		c.fail(now.Format(time.TimeOnly) + " ERROR " + text)
	default:
		c.say(c.paint(dim, now.Format(time.TimeOnly)+" "+text) + "\n")
	}
}

// store writes a line of JSON to the file, and to stderr where that was asked for.
func (c *console) store(object []byte) {
	if err := c.write(c.file, string(object)); err != nil {
		// Said once: the lines that follow would fail alike.
		c.full.Do(func() { c.fail(fmt.Sprintf("the log file takes no more lines: %v", err)) })
	}
	if c.json {
		_ = c.write(c.errors, string(object))
	}
}

// access takes the answer to a request: the gateway's line for the file, a short one for
// a person. Neither holds anything that the caller chose.
func (c *console) access(a apigateway.Access) {
	c.store(line{"access", a.Line}.json(a.Time))
	if c.json {
		return
	}
	whose := cmp.Or(a.Function, strings.TrimSuffix("gateway: "+a.Refusal, ": "))
	colour := ""
	switch {
	case a.Status >= 500:
		colour = red
	case a.Status >= 400:
		colour = yellow
	}
	text := fmt.Sprintf("%s %-6s %s %d %d ms %s", a.Time.Format(time.TimeOnly), a.Method, a.Route, a.Status,
		a.Took.Round(time.Millisecond).Milliseconds(), whose)
	c.say(c.paint(colour, text) + "\n")
}

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
