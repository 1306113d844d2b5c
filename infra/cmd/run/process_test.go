package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestMain lets the test's own binary be the command that is run.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_COMMAND") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// timeout is how long anything may take that a test waits for: a first start fetches the
// database and builds the functions, on a machine that may have other work.
const timeout = 4 * time.Minute

// started is a run of the command in a process of its own.
type started struct {
	t        *testing.T
	cmd      *exec.Cmd
	keyboard *os.File // of its terminal; nil without one
	shown    shown    // what it writes to the terminal, or else to stderr
	stdout   chan string
	exited   chan error
	gone     chan struct{} // closed when the last process that it started has ended, too
}

// begin starts the command in the project's folder, on a terminal or with no one
// watching.
func begin(t *testing.T, terminal bool, variables ...string) *started {
	t.Helper()
	s := &started{t: t, cmd: exec.Command(os.Args[0]), stdout: make(chan string, 100), exited: make(chan error, 1),
		gone: make(chan struct{})}
	s.cmd.Dir = filepath.Join("..", "..", "..")
	s.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"DYNAMODB_ENDPOINT", "DATA_DIR", "NO_COLOR", "LOG", "VERBOSE", "PARAMETERS",
			"SCHEDULE_EVERY"}, name)
	})
	s.cmd.Env = append(append(s.cmd.Env, "RUN_COMMAND=1"), variables...)
	// All its children inherit this end of the pipe, so that the other end is told when
	// all have ended.
	here, there, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.ExtraFiles = []*os.File{there}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if terminal {
		if s.keyboard, err = pty.Start(s.cmd); err != nil {
			t.Skip("no terminal can be made here: ", err)
		}
		go io.Copy(&s.shown, s.keyboard)
	} else {
		s.cmd.Stderr = &s.shown
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	there.Close()
	go func() {
		_, _ = io.Copy(io.Discard, here)
		here.Close()
		close(s.gone)
	}()
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			s.stdout <- lines.Text()
		}
		close(s.stdout)
		s.exited <- s.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.gone
	})
	return s
}

// ready waits for the line on stdout that scripts wait for.
func (s *started) ready() string {
	s.t.Helper()
	select {
	case line, ok := <-s.stdout:
		if ok {
			return line
		}
		s.t.Fatalf("it ended, saying: %s", s.shown.String())
	case <-time.After(timeout):
		s.t.Fatalf("it is not ready, and says: %s", s.shown.String())
	}
	return ""
}

// ends waits until every process of the run has ended, and gives how the command did.
func (s *started) ends() error {
	s.t.Helper()
	var err error
	select {
	case err = <-s.exited:
	case <-time.After(timeout):
		s.t.Fatalf("it does not end, and says: %s", s.shown.String())
	}
	select {
	case <-s.gone:
	case <-time.After(timeout):
		s.t.Fatal("the command has ended, but a process that it started has not")
	}
	return err
}

// shows waits until what is shown holds text, and gives all of it.
func (s *started) shows(text string) string {
	s.t.Helper()
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := s.shown.String(); strings.Contains(all, text) {
			return all
		}
	}
	s.t.Fatalf("%q is not shown, but: %s", text, s.shown.String())
	return ""
}

// shown is what has been written so far, with the line ends of a file.
type shown struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.text.String(), "\r\n", "\n")
}
