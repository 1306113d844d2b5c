package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"customercare/infra/deployment"
	"customercare/infra/importer"
	"customercare/infra/probe"
	"customercare/infra/testkit/cloudformationtest"
	"customercare/infra/testkit/dynamotest"
)

// deployed is this package's stack, with its API at url.
func deployed(url string) *deployment.Deployment {
	return &deployment.Deployment{DB: database, APIURL: url, Where: "the end-to-end tests", Tables: deployment.Tables{
		Tables: importer.Tables{
			Users: running.Table("Users"), Customers: running.Table("Customers"),
			Contacts: running.Table("Contacts"), Principals: running.Table("Principals"),
		},
		Erasures: running.Table("Erasures"),
	}}
}

// smoke runs the smoke test against an API and returns what it printed.
func smoke(t testing.TB, ctx context.Context, url string, timeout time.Duration, out io.Writer) (probe.Counts,
	string) {
	t.Helper()
	var said bytes.Buffer
	counts, err := probe.Run(ctx, probe.Options{Deployment: deployed(url), Out: io.MultiWriter(&said, out),
		Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return counts, said.String()
}

var (
	runName   = regexp.MustCompile(`run (smoke-[0-9a-f]{12}) `)
	checkLine = regexp.MustCompile(`(?m)^(ok  |FAIL) +\d+\.\d{3}s  ([^(\n]+?)(?:: got .*| \(.*\))?$`)
	lastLine  = regexp.MustCompile(`(?m)^\d+ checks in \d+\.\ds: \d+ passed, \d+ failed, \d+ not made\n\z`)
)

// removed checks that nothing of a run is left in any table but what the product itself
// has to end: the ledger's jobs and records, and a tombstone.
func removed(t testing.TB, said string) (run string) {
	t.Helper()
	name := runName.FindStringSubmatch(said)
	if name == nil || !lastLine.MatchString(said) {
		t.Fatalf("no run, or no last line: %s", said)
	}
	for _, line := range dump(t, name[1]) {
		if !strings.HasPrefix(line, running.Table("Erasures")+" ") && !strings.Contains(line, `"tombstone"`) {
			t.Errorf("left: %s", line)
		}
	}
	return name[1]
}

func TestSmokeIsGreen(t *testing.T) {
	passAllWriterLifetimes(t)
	before := dump(t, "")
	counts, said := smoke(t, t.Context(), running.URL, 0, io.Discard)
	if !counts.Green() || counts.Passed < 45 || strings.Count(said, "\n") != counts.Passed+2 {
		t.Fatalf("%+v\n%s", counts, said)
	}
	run := removed(t, said)
	for _, secret := range []string{"AccessToken", "Bearer ", "Basic "} {
		if strings.Contains(said, secret) {
			t.Errorf("the output holds %q: %s", secret, said)
		}
	}
	passAllWriterLifetimes(t)
	// no job is open: to a record. A digest: whose it is cannot be seen
	const pointer = `"erasureId":{"Value":"customer-`
	// Tokens of other tests: an engine that expires items takes them away when it likes.
	const token = `"principal":{"Value":"token#`
	passes := func(line string) bool { return strings.Contains(line, pointer) || strings.Contains(line, token) }
	var others []string
	records := 0
	for _, line := range dump(t, "") {
		switch {
		case strings.Contains(line, run):
			records++
			if !strings.Contains(line, `"statement":{"Value":"`) ||
				!strings.Contains(line, `"state":{"Value":"done"}`) {
				t.Errorf("left in the end: %s", line)
			}
		case !passes(line):
			others = append(others, line)
		}
	}
	before = slices.DeleteFunc(before, passes)
	// Two customers, the contacts; the hold, its refusal and its release.
	if records != 6 {
		t.Errorf("%d records are in the ledger, want 6", records)
	}
	if rest := difference(before, others); len(rest) != 0 {
		t.Errorf("others changed:\n%s", strings.Join(rest, "\n"))
	}
}

// A stack that asks to be called less often is still green; one that does not answer is
// not, and all is removed.
func TestSmokeOfABusyStack(t *testing.T) {
	var n atomic.Int64
	busy := lyingProxy{lie: func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		if i := n.Add(1); i != 3 && i != 20 {
			return false
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}}
	if counts, said := smoke(t, t.Context(), busy.serve(t), 0, io.Discard); !counts.Green() ||
		strings.Count(said, "(429 at first") != 2 {
		t.Errorf("%+v\n%s", counts, said)
	}
	silent := lyingProxy{lie: func(http.ResponseWriter, *http.Request, []byte) bool { panic(http.ErrAbortHandler) }}
	counts, said := smoke(t, t.Context(), silent.serve(t), time.Second, io.Discard)
	if counts.Failed < 35 || counts.NotMade != 0 {
		t.Errorf("%+v\n%s", counts, said)
	}
	removed(t, said)

	// Where nobody listens, one call tells: the rest would only wait.
	gone := listen(t)
	gone.Close()
	counts, said = smoke(t, t.Context(), "http://"+gone.Addr().String(), time.Second, io.Discard)
	if counts.Failed != 1 || counts.NotMade < 40 || !strings.Contains(said, "nobody answers there") {
		t.Errorf("%+v\n%s", counts, said)
	}
	removed(t, said)
}

// An answer that repeats what was sent is not shown with the secrets that are in it,
// whatever form they have.
func TestSmokeShowsNoSecret(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	echo := lyingProxy{lie: func(w http.ResponseWriter, r *http.Request, body []byte) bool {
		mu.Lock()
		sent = append(sent, regexp.MustCompile(`\b[0-9a-f]{48}\b`).FindAllString(string(body)+" "+r.Header.Get("Api_access_key"), -1)...)
		if _, credentials, is := strings.Cut(r.Header.Get("Authorization"), " "); is {
			sent = append(sent, credentials)
		}
		mu.Unlock()
		w.Header().Set("Www-Authenticate", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusUnauthorized)
		if r.URL.Path == tokenPath {
			_, _ = io.WriteString(w, `{'AccessToken' => 'abcdefghijklmnop'} `)
		}
		_, _ = w.Write(body)
		_, _ = io.WriteString(w, " "+r.Header.Get("Api_access_key")+" "+r.Header.Get("Authorization"))
		return true
	}}
	counts, said := smoke(t, t.Context(), echo.serve(t), time.Millisecond, io.Discard)
	removed(t, said)
	if counts.Passed > 10 || len(sent) < 10 || !strings.Contains(said, "***") {
		t.Errorf("%+v, %d secrets were sent\n%s", counts, len(sent), said)
	}
	for _, secret := range append(sent, "abcdefghijklmnop") {
		if len(secret) > 8 && strings.Contains(said, secret) {
			t.Errorf("the output shows %s\n%s", secret, said)
			break
		}
	}
}

// stopper ends the run when it has printed so many lines.
type stopper struct {
	lines int
	stop  func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if s.lines -= bytes.Count(p, []byte("\n")); s.lines <= 0 {
		s.stop()
	}
	return len(p), nil
}

// Wherever it is interrupted, it makes no further check and removes what it has put in.
func TestSmokeInterrupted(t *testing.T) {
	moments := []int{1, 2, 3, 20, 34, 40, 41, 42, 43, 44, 45, 48, 49}
	if testing.Short() {
		moments = []int{20, 44, 49}
	}
	for _, lines := range moments {
		ctx, cancel := context.WithCancel(t.Context())
		counts, said := smoke(t, ctx, running.URL, 0, &stopper{lines, cancel})
		run := removed(t, said)
		// Just now deleted: a job that is open needs its tombstone.
		if lines == 44 && (len(dump(t, `"customer":{"Value":"`+run)) == 0 || !strings.Contains(said, "its tombstone")) {
			t.Errorf("after %d lines no tombstone stands, or nothing is said of it\n%s", lines, said)
		}
		if counts.NotMade == 0 || counts.Failed != 0 || counts.Passed != lines { // the last is the removal
			t.Errorf("after %d lines: %+v\n%s", lines, counts, said)
		}
	}
}

// The command as `make smoke STACK=...` runs it: it finds tables and address through
// CloudFormation, exits as it should, and a Ctrl-C leaves nothing behind.
func TestSmokeCommand(t *testing.T) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	command := filepath.Join(t.TempDir(), "customercare")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", command, "./infra/cmd/customercare")
	build.Dir = dynamotest.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names := map[string]string{}
	for _, table := range running.Template.Tables {
		names[table.LogicalID] = table.Name
	}
	cloudformationtest.Serve(t, cloudformationtest.Stack{
		Name: "customercare", Status: "CREATE_COMPLETE", Resources: cloudformationtest.Tables(names), PageSize: 2,
		Outputs:    map[string]string{"ApiUrl": running.URL + "/"},
		Parameters: map[string]string{"TempAllowTypes": "1=once/24h,2=2h,3=date"},
	})
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
	run := func(interruptAt string, environment ...string) (said string, code int) {
		cmd := exec.CommandContext(t.Context(), command, "smoke")
		cmd.Env = append(os.Environ(), environment...)
		out := &watched{word: interruptAt, seen: func() { _ = cmd.Process.Signal(syscall.SIGINT) }}
		cmd.Stdout, cmd.Stderr = out, out
		_ = cmd.Run()
		return out.String(), cmd.ProcessState.ExitCode()
	}
	said, code := run("", "STACK=customercare")
	if code != 0 || !strings.Contains(said, " at "+running.URL+", tables of stack customercare, AWS eu-west-1\n") {
		t.Errorf("exit %d: %s", code, said)
	}
	removed(t, said)
	said, code = run("a wrong key", "STACK=customercare", "API_URL="+running.URL)
	if code != 130 || !strings.Contains(said, "interrupted: the call under way is finished") ||
		!strings.Contains(said, "ok") || strings.Contains(said, "FAIL") {
		t.Errorf("exit %d: %s", code, said)
	}
	lines, left, _ := strings.Cut(said, "customercare: interrupted: ")
	if !strings.HasSuffix(left, " checks not made\n") {
		t.Error(said)
	}
	removed(t, lines)
	for _, row := range []struct{ environment, want string }{
		{"STACK=nowhere", "there is no stack nowhere in eu-west-1"},
		{"DYNAMODB_ENDPOINT=" + endpoint, "set API_URL, or STACK"},
		{"DYNAMODB_ENDPOINT=" + endpoint + " API_URL=http://care.example/v1", "API_URL must begin with https"},
		{"DYNAMODB_ENDPOINT=" + endpoint + " API_URL=care.example", "API_URL must be an address like"},
	} {
		if said, code := run("", strings.Fields(row.environment)...); code != 1 ||
			!strings.Contains(said, row.want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: exit %d: %s", row.environment, code, said)
		}
	}
}

// watched keeps what is written, and calls seen when a word is.
type watched struct {
	word string
	seen func()

	mu   sync.Mutex
	text bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.word != "" && bytes.Contains(p, []byte(w.word)) {
		w.seen()
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
