package program

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// TestMain lets the test's own binary be the program that is run.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_PROGRAM") {
	case "echo":
		lambda.Start(func(text string) (string, error) {
			switch text {
			case "refuse":
				return "", errors.New("refused")
			case "die":
				os.Exit(3)
			case "work":
				work(worked)
			case "for ever":
				select {}
			case "wait":
				time.Sleep(20 * time.Millisecond)
			}
			return text, nil
		})
	case "slow":
		time.Sleep(50 * time.Millisecond)
		lambda.Start(func() error { return nil })
	case "dead":
		os.Exit(1)
	case "silent":
		select {}
	}
	os.Exit(m.Run())
}

// worked is how much of the processor "work" takes.
const worked = 10 * time.Millisecond

// work hashes until this process has had so much more of the processor.
func work(much time.Duration) {
	used := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for block, from := make([]byte, 1<<20), used(); used()-from < much; {
		sha256.Sum256(block)
	}
}

func testProgram(kind string) Program {
	return Program{Name: kind, Path: os.Args[0], Env: []string{"BENCH_PROGRAM=" + kind}, Log: io.Discard}
}

func TestInvoke(t *testing.T) {
	p, err := testProgram("echo").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 3 {
		began := time.Now()
		answer, took, err := p.Invoke(t.Context(), []byte(`"hello"`))
		if all := time.Since(began); err != nil || string(answer) != `"hello"` || took <= 0 || took > all {
			t.Errorf("%s after %s of %s: %v", answer, took, all, err)
		}
	}
	if _, took, err := p.Invoke(t.Context(), []byte(`"wait"`)); err != nil || took < 20*time.Millisecond {
		t.Errorf("20 ms took %s: %v", took, err)
	}
	if _, _, err := p.Invoke(t.Context(), []byte(`"refuse"`)); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("an error of the handler's is %v", err)
	}
	before := p.CPU()
	if _, _, err := p.Invoke(t.Context(), []byte(`"work"`)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/proc/self/schedstat"); err == nil {
		if used := p.CPU() - before; before <= 0 || used < worked {
			t.Errorf("work of %s took %s of the processor, the start %s", worked, used, before)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, _, err := p.Invoke(ctx, []byte(`"for ever"`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an end of waiting is %v", err)
	}
}

func TestInvokeOfOneThatDies(t *testing.T) {
	p, err := testProgram("echo").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		if answer, _, err := p.Invoke(t.Context(), []byte(`"die"`)); err == nil {
			t.Errorf("a dead process answers %s", answer)
		}
	}
}

func TestStart(t *testing.T) {
	p, err := testProgram("slow").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if p.Start < 50*time.Millisecond {
		t.Errorf("50 ms and more took %s", p.Start)
	}
	if _, err := testProgram("dead").Run(t.Context()); err == nil {
		t.Error("a process that ended at once has started")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := testProgram("silent").Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a first poll ends with %v", err)
	}
	gone := testProgram("echo")
	gone.Path += ".gone"
	if _, err := gone.Run(t.Context()); err == nil {
		t.Error("a program that is not there has started")
	}
}
