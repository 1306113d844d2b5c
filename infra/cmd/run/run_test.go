package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"customercare/infra/testkit/freeport"
)

var (
	aCommand     = regexp.MustCompile(`(?m)^    curl (?:.*\\\n)*.*$`)
	aRequestLine = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d (\S+ +\S+ \d+) \d+ ms (.*)$`)
	aLogPath     = regexp.MustCompile(`Log: (\S+),`)
)

// personal is what the five calls say of people, and their secrets.
var personal = []string{"demo-user", "csr", "1234567890123456", "john1970", "1959caadac9b13dcb3", "greatwidgets",
	"135****1111", "wen11", "kehu",
	"demo-app-secret"}

// A new user's first minutes: the first screen's commands are pasted and do what they
// say, each shows as one line, another stack runs beside, and Ctrl-C leaves nothing
// behind.
func TestWelcome(t *testing.T) {
	for _, program := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the first screen's commands need ", program, ", which is not here")
		}
	}
	ports := freeport.Take(t, 5)
	// So short that an erasure ends while the test waits for it.
	s := begin(t, true, "PORT="+ports[0], "SECRETS_PORT="+ports[1], "KMS_PORT="+ports[3], "DYNAMODB_PORT="+ports[2],
		"DOCS_PORT="+ports[4], "PARAMETERS=WriterLifetime=2s ClockSkew=0s", "SCHEDULE_EVERY=1s")
	database := "http://127.0.0.1:" + ports[2]
	if got, want := s.ready(), "ready http://127.0.0.1:"+ports[0]+" dynamodb "+database; got != want {
		t.Fatalf("on stdout: %q, want %q", got, want)
	}
	screen := s.shows("Ctrl-C ends it.")
	for _, want := range []string{
		"customercare answers at http://127.0.0.1:" + ports[0] + "\n",
		"2 users, 5 customers, 11 transactions, 12 contacts, 1 operator, 2 API users, 2 apps.\n",
		"README.md", "SECURITY.md", "do not run locally", "VERBOSE=1",
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("the first screen lacks %q: %s", want, screen)
		}
	}
	log := filepath.Join(s.cmd.Dir, aLogPath.FindStringSubmatch(screen)[1])

	paste(t, screen)
	rest := strings.TrimPrefix(s.shows("an erasure ended, "), screen)
	var lines []string
	for _, found := range aRequestLine.FindAllStringSubmatch(rest, -1) {
		lines = append(lines, strings.Join(strings.Fields(found[1]+" "+found[2]), " "))
	}
	if want := []string{
		"DELETE /customercare/v1/{customerId}/provision 200 delete-customer-info",
		"PUT /customercare/v1/{customerId}/provision 200 set-temporary-allow",
		"GET /customercare/v1/{customerId}/provision 200 read-provision",
		"POST /customercare/v1/{customerId}/provision/use 200 use-temporary-allow",
		"POST /api.php 200 delete-customer",
		"POST /apigovernance/api/oauth/tokenByAkSk 200 issue-token",
		"POST /apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata 200 clean-customer-data",
		"POST /apigovernance/api/oauth/tokenByAkSk 200 issue-token",
		"GET /erasures 200 read-erasures",
		"GET /erasures/{id} 200 read-erasures",
		"GET /erasures 200 read-erasures", // and the receipt, which may be asked for again
	}; len(lines) < len(want) || !slices.Equal(lines[:len(want)], want) ||
		!slices.Contains(lines, "GET /erasures/{id}/receipt 200 read-erasures") {
		t.Errorf("lines of requests: %q, want %q; all: %s", lines, want, rest)
	}
	namesNobody(t, rest)

	besides(t, database, log)

	if _, err := s.keyboard.WriteString("\x03"); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	if err := s.ends(); err != nil {
		t.Errorf("it ends with %v, saying: %s", err, s.shown.String())
	}
	s.shows("Stopped.")
	for _, port := range ports {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
	// The audit lines, and no other, say who called.
	namesNobody(t, caller.ReplaceAllString(keptIn(t, log), "$1"))
}

// caller is the one that an audit line is about.
var caller = regexp.MustCompile(`("msg":"audit",.*"principal":)"[^"]*"`)

// paste runs the commands of the screen as they stand, in a shell, and looks at their
// answers.
func paste(t *testing.T, screen string) {
	t.Helper()
	wants := []string{
		`^\{"responseCode":"0","responseMessage":"","status":true\}$`,
		`^\{"responseCode":"0","responseMessage":"","status":true\}$`,
		`^\{"responseCode":"0","responseMessage":"","status":true,"registered":true,.*"devices":0,"tempAllows":\[\{"tempAllowType":1,.*"singleUse":true\}\]\}$`,
		`^\{"responseCode":"0","responseMessage":"","status":true,"allowed":true,"tempAllowType":1,.*"singleUse":true\}$`,
		`<response status="success"><customer status="deleted"><code>1234567890123456</code></customer></response>$`,
		`^\{"retCode":"0","retMsg":"VerifyParams success"\}$`,
		`^\{"AccessToken":"[^"]+","ApplyType":"Bearer",.*"AppKey":"demo-app-key"`,
		`^\{"id":"[0-9TZ]+-[0-9a-f]{16}","status":"(?:accepted|erasing|verifying|erased)","kind":"(?:customer|numbers)","scope":"`,
		`^c2sp\.org/tlog-proof@v1\nextra `,
	}
	commands := aCommand.FindAllString(screen, -1)
	if len(commands) != len(wants) {
		t.Fatalf("%d commands: %q", len(commands), commands)
	}
	for i, want := range wants {
		answer, err := exec.Command("sh", "-c", commands[i]).Output()
		for strings.Contains(string(answer), "sealed yet") {
			time.Sleep(100 * time.Millisecond)
			answer, err = exec.Command("sh", "-c", commands[i]).Output()
		}
		if err != nil || !regexp.MustCompile(want).Match([]byte(strings.TrimSpace(string(answer)))) {
			t.Errorf("%s\nanswers %s, %v; want %s", commands[i], answer, err, want)
		}
	}
}

// besides runs a second stack on the same database, as a script would: it says its one
// line and nothing else, has a log of its own, and ends alone.
func besides(t *testing.T, database, firstLog string) {
	t.Helper()
	ports := freeport.Take(t, 4)
	s := begin(t, false, "PORT="+ports[0], "SECRETS_PORT="+ports[1], "KMS_PORT="+ports[3], "DYNAMODB_ENDPOINT="+database)
	url := "http://127.0.0.1:" + ports[0]
	if got, want := s.ready(), "ready "+url+" dynamodb "+database; got != want {
		t.Fatalf("on stdout: %q, want %q", got, want)
	}
	answer, err := http.Post(url+"/nowhere/demo-user", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.ends(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	for line := range s.stdout {
		t.Errorf("on stdout: %q", line)
	}
	if said := s.shown.String(); said != "" {
		t.Errorf("on stderr: %q", said)
	}
	logs, err := filepath.Glob(filepath.Join(filepath.Dir(firstLog), "run*.log"))
	if err != nil {
		t.Fatal(err)
	}
	id := answer.Header.Get("X-Amzn-Requestid")
	logs = slices.DeleteFunc(logs, func(log string) bool {
		return !strings.Contains(keptIn(t, log), `{"from":"access","requestId":"`+id+`"`)
	})
	if len(logs) != 1 || logs[0] == firstLog || id == "" {
		t.Errorf("the request %s is in %q, beside %s", id, logs, firstLog)
	}
}

// keptIn is what a log file holds. Each line of it is a JSON object that says whose it
// is.
func keptIn(t *testing.T, log string) string {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var object struct {
			From string `json:"from"`
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil || object.From == "" {
			t.Errorf("%s: %v in %s", log, err, line)
		}
	}
	return string(text)
}

func namesNobody(t *testing.T, text string) {
	t.Helper()
	for _, value := range personal {
		if at := strings.Index(text, value); at >= 0 {
			t.Errorf("%q is in ...%s...", value, text[max(0, at-100):min(len(text), at+100)])
		}
	}
}

// What is wrong with the call is said before anything is started, a sentence for each
// fault.
func TestWrongCallsAreRefused(t *testing.T) {
	ports := freeport.Take(t, 4)
	for _, c := range []struct {
		variables []string
		want      string
	}{
		{[]string{"PARAMETERS=Nobody=1 ClockSkew=soon ProvisionRate=0"},
			"template.yaml: there is no parameter \"Nobody\"\nparameter ProvisionRate is less than 1: \"0\"\n" +
				"parameter ClockSkew does not match ^(0s|[1-9][0-9]{0,5}(ms|s|m))$: \"soon\" (the default is 1m)\n"},
		{[]string{"PARAMETERS=Nobody", "LOG=all"},
			"PARAMETERS must be pairs such as WriterLifetime=2s with blanks between them, not \"Nobody\"\n" +
				"LOG must be json or empty, not \"all\"\n"},
	} {
		s := begin(t, false, append(c.variables, "PORT="+ports[0], "SECRETS_PORT="+ports[1],
			"KMS_PORT="+ports[3], "DYNAMODB_PORT="+ports[2])...)
		err := s.ends()
		if code := s.cmd.ProcessState.ExitCode(); code != 1 {
			t.Errorf("%q: exit code %d, %v", c.variables, code, err)
		}
		if said := s.shown.String(); said != c.want {
			t.Errorf("%q: %q, want %q", c.variables, said, c.want)
		}
		for line := range s.stdout {
			t.Errorf("%q: on stdout: %q", c.variables, line)
		}
	}
}
