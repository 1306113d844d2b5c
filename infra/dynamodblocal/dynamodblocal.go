package dynamodblocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"customercare/infra/process"
)

const (
	jar = "DynamoDBLocal.jar"
	// patience is how long a start may take; it takes 2 s on a small machine.
	patience = time.Minute
)

// ErrPortTaken says that something else listens on the wanted port.
var ErrPortTaken = errors.New("port is taken")

// Options of one DynamoDB Local.
type Options struct {
	CacheDir string // where the emulator is kept between runs, as for Fetch
	Port     int    // 0: any free one
	DataDir  string // where tables are kept; empty: in memory only
}

// Server is a running DynamoDB Local.
type Server struct {
	// Endpoint is its address, http://127.0.0.1:<port>. DynamoDB Local listens on every interface and has no flag
	// to change that: keep nothing real in it.
	Endpoint string

	cmd    *exec.Cmd
	exited chan struct{} // closed once the process is gone
	said   output
}

// Start fetches DynamoDB Local if need be, starts it and returns once it answers. It ends with Close, and on
// Linux also when this program dies in any other way.
//
// It runs with -sharedDb: any credentials and region see the same tables.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Port != 0 {
		if err := CheckPort(opts.Port); err != nil {
			return nil, err
		}
	}
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := Fetch(ctx, opts.CacheDir)
	if err != nil {
		return nil, err
	}
	if opts.Port != 0 {
		return start(ctx, java, dir, opts)
	}
	// A free port can be lost between finding it and Java's taking it: try again with another.
	for attempt := 0; ; attempt++ {
		if opts.Port, err = freePort(); err != nil {
			return nil, err
		}
		server, err := start(ctx, java, dir, opts)
		if err == nil || attempt == 2 || ctx.Err() != nil {
			return server, err
		}
	}
}

// CheckPort returns ErrPortTaken when port cannot be listened on.
func CheckPort(port int) error {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return fmt.Errorf("%d: %w", port, ErrPortTaken)
	}
	return l.Close()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, fmt.Errorf("no free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func start(ctx context.Context, java, dir string, opts Options) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cache for DynamoDB Local: %w", err)
	}
	// The serial collector: the others take a part of few cores away from the answers, a tenth of them on two. And few
	// collections of what is young.
	args := []string{"-XX:+UseSerialGC", "-Xmn256m", "-Djava.library.path=" + filepath.Join(dir, "DynamoDBLocal_lib"), "-jar", filepath.Join(dir, jar),
		"-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(opts.Port)}
	if opts.DataDir == "" {
		args = append(args, "-inMemory")
	} else {
		data, err := filepath.Abs(opts.DataDir)
		if err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
		if err := os.MkdirAll(data, 0o755); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
		args = append(args, "-dbPath", data)
	}
	s := &Server{Endpoint: "http://127.0.0.1:" + strconv.Itoa(opts.Port), exited: make(chan struct{})}
	s.cmd = exec.Command(java, args...)
	s.cmd.Dir = dir // it leaves a file of its own where it runs
	s.cmd.Stdout, s.cmd.Stderr = &s.said, &s.said
	if err := process.Start(s.cmd); err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.awaitAnswer(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// awaitAnswer polls until the server answers anything at all; without credentials that is a 400.
func (s *Server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("DynamoDB Local ended while starting: %s", s.said.String())
		case <-ctx.Done():
			return fmt.Errorf("DynamoDB Local did not answer: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Done is closed once the server has ended.
func (s *Server) Done() <-chan struct{} { return s.exited }

// Close ends the server and waits until its process is gone.
func (s *Server) Close() {
	process.Kill(s.cmd)
	<-s.exited
}

// output keeps the first words of the process, for the error message when it does not start.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if room := 4096 - o.buf.Len(); room > 0 {
		o.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return firstLine(o.buf.String())
}
