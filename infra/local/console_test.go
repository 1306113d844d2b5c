package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/local/apigateway"
)

// noon is when everything happens in these tests.
var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// said is a console whose places can be looked at.
type said struct {
	*console
	terminal, errors, file bytes.Buffer
}

// watchedBy makes a console: with a terminal that is stderr too, as a shell has it, or
// without.
func watchedBy(person bool) *said {
	s := &said{console: &console{now: func() time.Time { return noon }}}
	s.console.errors, s.console.file = &s.errors, &s.file
	if person {
		s.console.terminal, s.console.errors = &s.terminal, &s.terminal
	}
	return s
}

func (s *said) write(lines ...string) {
	for _, l := range lines {
		_, _ = io.WriteString(s, l+"\n")
	}
}

var (
	answered = `delete-customer: {"time":"t","level":"INFO","msg":"answered","status":200}`
	warned   = `delete-customer: {"time":"t","level":"WARN","msg":"lease not renewed","cause":"c"}`
	failed   = `delete-customer: {"time":"t","level":"ERROR","msg":"failed","operation":"delete-customer","cause":"no: way"}`
	panicked = `cleanup: {"time":"t","level":"ERROR","msg":"panic","operation":"cleanup","type":"runtime.boundsError","stack":"goroutine"}`
	ended    = `continue-erasure: {"time":"t","level":"INFO","msg":"erasure finished","ErasuresFinished":1,"ItemsErased":8}`
	crashed  = "delete-customer: Runtime.ExitError: Runtime exited with error: exit status 2"
	strange  = "delete-customer: \x1b[2Jpanic: \x07index\tout of range\u009b1m"
)

func TestAPersonSeesErrorsAndEnds(t *testing.T) {
	s := watchedBy(true)
	s.write(answered, warned, failed, panicked, ended, crashed, strange)
	want := `12:00:00 ERROR delete-customer: failed: no: way
12:00:00 ERROR cleanup: panic: runtime.boundsError
12:00:00 an erasure ended, 8 items of it deleted
12:00:00 ERROR delete-customer: Runtime.ExitError: Runtime exited with error: exit status 2
12:00:00 ERROR delete-customer: [2Jpanic: index` + "\t" + `out of range1m
`
	if got := s.terminal.String(); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestAScriptSeesErrorsOnly(t *testing.T) {
	s := watchedBy(false)
	s.write(answered, failed, ended)
	s.access(answer(200))
	s.access(answer(500))
	s.say("welcome")
	s.insist("as asked\n")
	s.fail("the end")
	if got := s.errors.String(); got != "12:00:00 ERROR delete-customer: failed: no: way\nas asked\nthe end\n" {
		t.Errorf("%q", got)
	}
	if n := strings.Count(s.file.String(), "\n"); n != 5 {
		t.Errorf("%d lines in the file: %s", n, s.file.String())
	}
}

// Every line of the file is one JSON object that says whose it is, whatever was logged.
func TestTheFileIsJSONLines(t *testing.T) {
	s := watchedBy(true)
	s.write(answered, crashed, strange, "no name", "echo: {}", "echo: { }", `echo: {"a":1} and more`, `echo: [1]`,
		`echo: {"a":{"from":2}}`)
	s.access(answer(404))
	var got []string
	for text := range strings.Lines(s.file.String()) {
		var object struct {
			From string `json:"from"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			t.Errorf("%v: %s", err, text)
		}
		got = append(got, object.From+" "+object.Text)
	}
	want := []string{"delete-customer ", "delete-customer Runtime.ExitError: Runtime exited with error: exit status 2",
		"delete-customer \x1b[2Jpanic: \aindex\tout of range\u009b1m", "stack no name", "echo ", "echo ",
		`echo {"a":1} and more`, "echo [1]", "echo ", "access "}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if !strings.HasPrefix(s.file.String(), `{"from":"delete-customer","time":"t","level":"INFO","msg":"answered","status":200}`+"\n") {
		t.Errorf("%s", s.file.String())
	}
	if !strings.HasSuffix(s.file.String(), `{"from":"access","status":"404"}`+"\n") {
		t.Errorf("%s", s.file.String())
	}
}

// LOG=json shows the file's lines in place of all short ones, and keeps them in the file.
func TestJSONIsShownWhereAsked(t *testing.T) {
	for _, person := range []bool{true, false} {
		s := watchedBy(person)
		s.json = true
		s.write(answered, failed, crashed, ended)
		s.access(answer(500))
		shown := &s.errors
		if person {
			shown = &s.terminal
		}
		if shown.String() != s.file.String() || strings.Count(shown.String(), "\n") != 5 {
			t.Errorf("person %t: %q, in the file %q", person, shown.String(), s.file.String())
		}
	}
}

func answer(status int) apigateway.Access {
	return apigateway.Access{
		Time: noon, Method: "PUT", Route: "/customercare/v1/{customerId}/provision", Function: "set-temporary-allow",
		Status: status, Took: 41*time.Millisecond + 600*time.Microsecond, Line: fmt.Sprintf(`{"status":"%d"}`, status),
	}
}

func TestRequestLines(t *testing.T) {
	s := watchedBy(true)
	s.access(answer(200))
	refused := answer(401)
	refused.Function, refused.Method, refused.Refusal = "authorize-operator", "DELETE", "UNAUTHORIZED"
	s.access(refused)
	s.access(apigateway.Access{Time: noon, Method: "-", Route: "-", Refusal: "DEFAULT_4XX", Status: 400})
	s.access(apigateway.Access{Time: noon, Method: "GET", Route: "-", Status: 431})
	want := `12:00:00 PUT    /customercare/v1/{customerId}/provision 200 42 ms set-temporary-allow
12:00:00 DELETE /customercare/v1/{customerId}/provision 401 42 ms authorize-operator
12:00:00 -      - 400 0 ms gateway: DEFAULT_4XX
12:00:00 GET    - 431 0 ms gateway
`
	if got := s.terminal.String(); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestColoursMarkWhatWentWrong(t *testing.T) {
	s := watchedBy(true)
	s.colours = true
	s.access(answer(200))
	s.access(answer(404))
	s.access(answer(503))
	s.write(failed)
	s.fail("the end")
	var starts []string
	for text := range strings.Lines(s.terminal.String()) {
		start, _, _ := strings.Cut(text, "12:00:00")
		starts = append(starts, start)
		if (start != "") != strings.HasSuffix(text, plain+"\n") {
			t.Errorf("%q", text)
		}
	}
	if want := []string{"", yellow, red, red, red + "the end" + plain + "\n"}; !slices.Equal(starts, want) {
		t.Errorf("%q, want %q", starts, want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

// A log file that takes no more lines is said once, and ends nothing.
func TestAFullLogFile(t *testing.T) {
	s := watchedBy(false)
	s.console.file = full{}
	s.write(answered, answered)
	if got := s.errors.String(); got != "the log file takes no more lines: no space\n" {
		t.Errorf("%q", got)
	}
}
