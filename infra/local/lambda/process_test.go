package lambda

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

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

// A request is refused when all processes stay busy for longer than QueueTimeout. An
// event source waits, and who is at work may be so for longer.
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
	go func() { // works on for longer than the timeout
		err := ErrThrottled
		for errors.Is(err, ErrThrottled) { // a busy machine starts no process in that time
			_, err = s.Request(t.Context(), "F", []byte(`{"do":"hold `+file+`"}`))
		}
		errs <- err
	}()
	log.holding(t, 3)
	refused("all are busy") // and stay so: it did not wait for one of them
	go func() { _, err := call(t, s, "pid"); errs <- err }()
	queued(t, s, 1)               // the event source
	refused("all are still busy") // after as long as that, the one at work and the event source wait longer
	release(t, file)
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Errorf("at work, or an event source: %v", err)
		}
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

func TestEnvironment(t *testing.T) {
	t.Setenv("OURS", "must not be seen")
	s, _ := service(t, func(f *Function) { f.Environment = map[string]string{"THEIRS": "1"} })
	env, err := call(t, s, "env")
	if err != nil || strings.Contains(env, "OURS") {
		t.Errorf("%s, %v", env, err)
	}
	for _, want := range []string{"THEIRS=1", "AWS_LAMBDA_FUNCTION_NAME=F", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAF", "_HANDLER=bootstrap", "TZ=:UTC"} {
		if !strings.Contains(env, `"`+want+`"`) {
			t.Errorf("%s is missing in %s", want, env)
		}
	}
}

// Made-up access keys tell functions apart; real credentials reach every function as they
// are.
func TestCredentials(t *testing.T) {
	for folder, want := range map[string]string{"delete-customer": "AKIADELETECUSTOMER", "a_b.2": "AKIAAB2",
		"Zoë": "AKIAZO"} {
		if got := (Function{Folder: folder}).AccessKeyID(); got != want {
			t.Errorf("%s: %s, want %s", folder, got, want)
		}
	}
	s, _ := service(t, nil)
	s.opts.Account.Credentials = aws.Credentials{AccessKeyID: "real-id", SecretAccessKey: "real-key",
		SessionToken: "real-token"}
	env, err := call(t, s, "env")
	for _, want := range []string{"AWS_ACCESS_KEY_ID=real-id", "AWS_SECRET_ACCESS_KEY=real-key",
		"AWS_SESSION_TOKEN=real-token"} {
		if err != nil || !strings.Contains(env, `"`+want+`"`) {
			t.Errorf("%s is missing in %s, %v", want, env, err)
		}
	}
}
