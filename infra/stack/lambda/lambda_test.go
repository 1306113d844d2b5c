package lambda

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lambda-test-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "f", "bootstrap"), "../testdata/function")
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

// service runs the test function under the name F, in the folder f.
func service(t *testing.T, change func(*Function)) (*Service, *bytes.Buffer) {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	f := Function{Name: "F", Folder: "f", Handler: "bootstrap", MemoryMB: 128, Timeout: 5 * time.Second}
	if change != nil {
		change(&f)
	}
	var log bytes.Buffer
	s, err := New(Options{
		Account: Account{ID: "1", Region: "us-east-1"},
		BinDir:  dir, Workers: 3, Log: &log,
	}, []Function{f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, &log
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
	s, _ := service(t, nil)
	var mu sync.Mutex
	pids := map[string]int{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			pid, err := call(t, s, "sleep 100ms")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[pid]++
		})
	}
	wg.Wait()
	if len(pids) != 3 {
		t.Errorf("12 calls at once ran in %d processes, want the limit 3: %v", len(pids), pids)
	}
}

// Who waits for an answer is refused soon when all processes are busy; an event source waits.
func TestBusyProcesses(t *testing.T) {
	s, _ := service(t, nil)
	s.opts.Patience = 100 * time.Millisecond
	var busy sync.WaitGroup
	for range 3 {
		busy.Go(func() { _, _ = call(t, s, "sleep 1s") })
	}
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	_, err := s.Request(t.Context(), "F", []byte(`{"do":"pid"}`))
	if took := time.Since(began); !errors.Is(err, ErrThrottled) || took > 500*time.Millisecond {
		t.Errorf("refused with %v after %s", err, took)
	}
	if pid, err := call(t, s, "pid"); err != nil {
		t.Errorf("an event source got %s, %v", pid, err)
	}
	busy.Wait()
	if pid, err := s.Request(t.Context(), "F", []byte(`{"do":"sleep 300ms"}`)); err != nil {
		t.Errorf("longer at work than the patience to wait: %s, %v", pid, err)
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

func TestTimeoutEndsTheProcess(t *testing.T) {
	s, _ := service(t, func(f *Function) { f.Timeout = 300 * time.Millisecond })
	first, _ := call(t, s, "pid")
	began := time.Now()
	_, err := call(t, s, "sleep 1m")
	var failed *Error
	if !errors.As(err, &failed) || failed.Type != "Sandbox.Timedout" || time.Since(began) > 3*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if second, err := call(t, s, "pid"); second == first || err != nil {
		t.Errorf("the process lived on: %s, %v", second, err)
	}
}

func TestDeadlineIsTold(t *testing.T) {
	s, _ := service(t, nil)
	if left, err := call(t, s, "deadline"); err != nil || len(left) != 4 || left < "4000" {
		t.Errorf("%s ms are left of 5 s, %v", left, err)
	}
}

func TestKill(t *testing.T) {
	s, _ := service(t, nil)
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
		_, err := call(t, s, "sleep 1m")
		failed <- err
	}()
	time.Sleep(100 * time.Millisecond)
	s.Kill("F") // while at work: that invocation fails
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("the killed invocation: %v", err)
	}
	if _, err := call(t, s, "fine"); err != nil {
		t.Error(err)
	}
}

// Kills at random moments lose no invocation: each one ends, with an answer or an error.
func TestKillsUnderLoad(t *testing.T) {
	s, _ := service(t, nil)
	stop := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(30 * time.Millisecond):
				s.Kill("F")
			}
		}
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				_, _ = call(t, s, "sleep 1ms")
			}
		})
	}
	wg.Wait()
	close(stop)
	killer.Wait()
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

// Made-up access keys tell functions apart; real credentials reach every function as they are.
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
	s, _ := service(t, nil)
	pid, err := call(t, s, "pid")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 5)
	for range cap(ended) { // more than the limit: some wait
		go func() {
			_, err := call(t, s, "sleep 1m")
			ended <- err
		}()
	}
	time.Sleep(200 * time.Millisecond)
	s.Close()
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
	if exec.Command("kill", "-0", pid).Run() == nil {
		t.Errorf("process %s is still there", pid)
	}
	if _, err := call(t, s, "fine"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
