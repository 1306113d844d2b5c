package lambda

import (
	"errors"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

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

// A process whose call does not end in time is killed.
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
	if !errors.As(err, &failed) || failed.Type != "Sandbox.Timedout" ||
		!strings.Contains(failed.Message, "0.05 seconds") {
		t.Error(err)
	}
	if second, err := call(t, s, "pid"); second == first || err != nil {
		t.Errorf("the process lived on: %s, %v", second, err)
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
