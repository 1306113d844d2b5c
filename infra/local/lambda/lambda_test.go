package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lambda-test-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "f", "bootstrap"), "../stack/testdata/function")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := build(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// transcript is a log that can be read while it is written.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// holding waits until n invocations in all have said that they are at work.
func (l *transcript) holding(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprint(n, " invocations hold"), func() bool { return strings.Count(l.String(), "f: holding\n") >= n })
}

// eventually waits for a condition, however slow the machine is.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen within 5 minutes: %s", what)
		}
	}
}

// release lets all go on that hold for the file.
func release(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// service runs the test function under the name F, in the folder f.
func service(t *testing.T, change func(*Function)) (*Service, *transcript) {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	f := Function{Name: "F", Folder: "f", Handler: "bootstrap", MemoryMB: 128, Timeout: 5 * time.Minute}
	if change != nil {
		change(&f)
	}
	log := &transcript{}
	s, err := New(Options{
		Account: Account{ID: "1", Region: "us-east-1"},
		BinDir:  dir, Workers: 3, Log: log,
	}, []Function{f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, log
}

func call(t *testing.T, s *Service, do string) (string, error) {
	t.Helper()
	answer, err := s.Invoke(t.Context(), "F", []byte(`{"do":"`+do+`"}`))
	return string(answer), err
}

func TestProcessIsReused(t *testing.T) {
	s, _ := service(t, nil)
	first, err := call(t, s, "pid")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, err := call(t, s, "pid"); again != first || err != nil {
			t.Fatalf("process %s, then %s, %v", first, again, err)
		}
	}
}

func TestProcessesGrowToTheLimit(t *testing.T) {
	s, log := service(t, nil)
	file := filepath.Join(t.TempDir(), "go on")
	var mu sync.Mutex
	pids := map[string]int{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			pid, err := call(t, s, "hold "+file)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[pid]++
		})
	}
	log.holding(t, 3) // three at the same time, because none ends before
	release(t, file)
	wg.Wait()
	if len(pids) != 3 {
		t.Errorf("12 calls at once ran in %d processes, want the limit 3: %v", len(pids), pids)
	}
}

// Who waits for an answer is refused when all processes stay busy for longer than the
// patience; an event source waits, and so does who is longer at work than that.
func TestBusyProcesses(t *testing.T) {
	s, log := service(t, nil)
	s.opts.QueueTimeout = 100 * time.Millisecond
	refused := func(when string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		if _, err := s.Request(ctx, "F", []byte(`{"do":"pid"}`)); !errors.Is(err, ErrThrottled) {
			t.Errorf("%s: %v, want ErrThrottled", when, err)
		}
	}
	file := filepath.Join(t.TempDir(), "go on")
	errs := make(chan error, 4)
	for range 2 {
		go func() { _, err := call(t, s, "hold "+file); errs <- err }()
	}
	go func() { // begins before its patience ends, and works on
		_, err := s.Request(t.Context(), "F", []byte(`{"do":"hold `+file+`"}`))
		errs <- err
	}()
	log.holding(t, 3)
	refused("all are busy") // and stay so: it did not wait for one of them
	go func() { _, err := call(t, s, "pid"); errs <- err }()
	eventually(t, "an event source waits", func() bool {
		p := s.pools["F"]
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.waiting) == 1
	})
	refused("all are still busy") // after as long as that, the one at work and the event source wait longer
	release(t, file)
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Errorf("at work, or an event source: %v", err)
		}
	}
}

func TestErrorsOfFunctions(t *testing.T) {
	s, log := service(t, nil)
	for _, c := range []struct{ do, kind, message string }{
		{"error Unauthorized", "errorString", "Unauthorized"},
		{"panic", "string", "as asked"},
		{"exit", "Runtime.ExitError", "Runtime exited with error: exit status 4"},
	} {
		_, err := call(t, s, c.do)
		var failed *Error
		if !errors.As(err, &failed) || failed.Type != c.kind || failed.Message != c.message {
			t.Errorf("%s: %v, want %s: %s", c.do, err, c.kind, c.message)
		}
		if answer, err := call(t, s, "fine"); answer != `"fine"` || err != nil {
			t.Errorf("after %s: %s, %v", c.do, answer, err)
		}
	}
	s.Close()
	if !strings.Contains(log.String(), "f: bye without a newline\n") {
		t.Errorf("the last words are not in the log:\n%s", log)
	}
}

// Whose work never ends is ended by the clock, process and all.
func TestTimeoutEndsTheProcess(t *testing.T) {
	s, _ := service(t, nil)
	first, err := call(t, s, "pid")
	if err != nil {
		t.Fatal(err)
	}
	generous := s.pools["F"].function.Timeout
	s.pools["F"].function.Timeout = 50 * time.Millisecond
	_, err = call(t, s, "hold nothing")
	s.pools["F"].function.Timeout = generous
	var failed *Error
	if !errors.As(err, &failed) || failed.Type != "Sandbox.Timedout" || !strings.Contains(failed.Message, "0.05 seconds") {
		t.Error(err)
	}
	if second, err := call(t, s, "pid"); second == first || err != nil {
		t.Errorf("the process lived on: %s, %v", second, err)
	}
}

// A function is told when its time is over: its time from when it began.
func TestDeadlineIsTold(t *testing.T) {
	s, _ := service(t, nil)
	timeout := s.pools["F"].function.Timeout
	earliest := time.Now().Add(timeout).UnixMilli()
	told, err := call(t, s, "deadline")
	latest := time.Now().Add(timeout).UnixMilli()
	if at, _ := strconv.ParseInt(told, 10, 64); err != nil || at < earliest || at > latest {
		t.Errorf("%s, want %d to %d, %v", told, earliest, latest, err)
	}
}

func TestKill(t *testing.T) {
	s, log := service(t, nil)
	first, err := call(t, s, "pid")
	if err != nil {
		t.Fatal(err)
	}
	s.Kill("F") // while idle: nobody notices
	second, err := call(t, s, "pid")
	if err != nil || second == first {
		t.Errorf("after a kill while idle: %s, %v", second, err)
	}
	failed := make(chan error)
	go func() {
		_, err := call(t, s, "hold nothing")
		failed <- err
	}()
	log.holding(t, 1)
	s.Kill("F") // while at work: that invocation fails
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("the killed invocation: %v", err)
	}
	if _, err := call(t, s, "fine"); err != nil {
		t.Error(err)
	}
}

// Kills at random moments lose no invocation: each one ends, with an answer or an error.
// The moments are told by the calls, every eighth of which has all processes killed while
// it and three others are under way.
func TestKillsUnderLoad(t *testing.T) {
	s, _ := service(t, nil)
	var wg, kills sync.WaitGroup
	var ended atomic.Int64
	for range 4 {
		wg.Go(func() {
			for n := range 20 {
				if n%8 == 3 {
					kills.Go(func() { s.Kill("F") })
				}
				_, _ = call(t, s, "fine")
				ended.Add(1)
			}
		})
	}
	wg.Wait()
	kills.Wait()
	if ended.Load() != 80 {
		t.Errorf("%d of 80 invocations ended", ended.Load())
	}
	if _, err := call(t, s, "fine"); err != nil {
		t.Error(err)
	}
}

func TestStartThatFails(t *testing.T) {
	s, log := service(t, func(f *Function) { f.Environment = map[string]string{"FAIL_AT_START": "1"} })
	if _, err := call(t, s, "fine"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	s.Close()
	if !strings.Contains(log.String(), "f: cannot start\n") {
		t.Errorf("log:\n%s", log)
	}
	s, _ = service(t, func(f *Function) { f.Folder = "nowhere" })
	if _, err := call(t, s, "fine"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("%v", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("OURS", "must not be seen")
	s, _ := service(t, func(f *Function) { f.Environment = map[string]string{"THEIRS": "1"} })
	env, err := call(t, s, "env")
	if err != nil || strings.Contains(env, "OURS") {
		t.Errorf("%s, %v", env, err)
	}
	for _, want := range []string{"THEIRS=1", "AWS_LAMBDA_FUNCTION_NAME=F", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAF", "_HANDLER=bootstrap", "TZ=:UTC"} {
		if !strings.Contains(env, `"`+want+`"`) {
			t.Errorf("%s is missing in %s", want, env)
		}
	}
}

// Made-up access keys tell functions apart; real credentials reach every function as they
// are.
func TestCredentials(t *testing.T) {
	for folder, want := range map[string]string{"delete-customer": "AKIADELETECUSTOMER", "a_b.2": "AKIAAB2", "Zoë": "AKIAZO"} {
		if got := (Function{Folder: folder}).AccessKeyID(); got != want {
			t.Errorf("%s: %s, want %s", folder, got, want)
		}
	}
	s, _ := service(t, nil)
	s.opts.Account.Credentials = aws.Credentials{AccessKeyID: "real-id", SecretAccessKey: "real-key", SessionToken: "real-token"}
	env, err := call(t, s, "env")
	for _, want := range []string{"AWS_ACCESS_KEY_ID=real-id", "AWS_SECRET_ACCESS_KEY=real-key", "AWS_SESSION_TOKEN=real-token"} {
		if err != nil || !strings.Contains(env, `"`+want+`"`) {
			t.Errorf("%s is missing in %s, %v", want, env, err)
		}
	}
}

func TestCloseEndsProcessesAndCalls(t *testing.T) {
	s, log := service(t, nil)
	pid, err := call(t, s, "pid")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 5)
	for range cap(ended) { // more than the limit: some wait
		go func() {
			_, err := call(t, s, "hold nothing")
			ended <- err
		}()
	}
	log.holding(t, 3)
	s.Close()
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, errClosed) {
			t.Errorf("%v, want errClosed", err)
		}
	}
	if exec.Command("kill", "-0", pid).Run() == nil {
		t.Errorf("process %s is still there", pid)
	}
	if _, err := call(t, s, "fine"); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
}
