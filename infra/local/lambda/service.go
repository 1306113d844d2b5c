// Package lambda does on one machine what AWS Lambda does with a function: it starts the
// real binary with the environment Lambda would give it, hands it invocations over the
// Runtime API, one at a time, and ends it when it takes too long. Functions need no local
// mode.
package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Function is what the service needs to know of one function.
type Function struct {
	Name        string // unique; AWS_LAMBDA_FUNCTION_NAME
	Folder      string // where its binary lies, and how its log lines start
	Handler     string
	MemoryMB    int
	Timeout     time.Duration
	Reserved    *int // its reserved concurrency; nil: none
	Environment map[string]string
}

// AccessKeyID is the function's own made-up access key id: "AKIA" and the letters and
// digits of its folder, upper-case.
func (f Function) AccessKeyID() string {
	return "AKIA" + notOfKeys.ReplaceAllString(strings.ToUpper(f.Folder), "")
}

var notOfKeys = regexp.MustCompile(`[^A-Z0-9]`)

// ExampleSecretKey belongs to every made-up access key. It is that of AWS's documentation
// and opens nothing.
const ExampleSecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// Account is where the functions believe they run.
type Account struct {
	ID     string
	Region string
	// Credentials are what functions see. The zero value gives each function a made-up
	// pair of its own, as on AWS each has a role of its own: who sees a request can tell
	// which function sent it. Local engines accept any.
	Credentials aws.Credentials
}

// Options of a service.
type Options struct {
	Account     Account
	BinDir      string            // holds <Folder>/bootstrap
	Environment map[string]string // for every function, on top of its own
	Workers     int               // most processes of one function: its concurrency
	// QueueTimeout is how long a Request waits for a process when all are busy; 0: as
	// long as its context.
	QueueTimeout time.Duration
	// Log gets every line the functions write, as "folder: line", from many goroutines at
	// once; nil: nobody does.
	Log io.Writer
	// Started, when set, is told how long a process of the function in this folder took
	// from its start to its first question for work.
	Started func(folder string, took time.Duration)
}

// Error is an invocation that did not end well: the function returned an error, died, or
// took too long.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// errClosed is what invocations of a closed service end with.
var errClosed = errors.New("the local Lambda service is closed")

// ErrThrottled is returned for a Request that Lambda would refuse with
// TooManyRequestsException: its function's reserved concurrency is used up, or all
// processes were busy for longer than QueueTimeout.
var ErrThrottled = errors.New("all processes of the function are busy")

// Service runs functions. All methods may be called at the same time.
type Service struct {
	opts      Options
	listener  net.Listener
	server    *http.Server
	pools     map[string]*pool // by function name
	processes atomic.Int64     // so far
}

// New starts a service for functions. No function runs before its first invocation.
func New(opts Options, functions []Function) (*Service, error) {
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the Lambda Runtime API cannot listen: %w", err)
	}
	s := &Service{opts: opts, listener: listener, pools: map[string]*pool{}}
	for _, f := range functions {
		p := &pool{service: s, function: f, live: map[*instance]bool{}}
		p.changed = sync.NewCond(&p.mu)
		s.pools[f.Name] = p
	}
	s.server = &http.Server{Handler: s.runtimeAPI()}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Invoke runs the function called name with payload, a JSON document, and returns its
// JSON answer. When ctx ends first, the caller stops waiting but a running function runs
// on, as on AWS. A failed invocation is an *Error.
//
// It waits for a process as long as it takes, as event sources do: on AWS they try again
// when Lambda throttles them.
func (s *Service) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	return s.invoke(ctx, name, payload, false)
}

// Request is Invoke for somebody who waits for the answer. Where Lambda would start one
// more process for each call, up to a thousand, it lets calls beyond Workers wait for
// one. A function with reserved concurrency has no more calls at once than that: then it
// is ErrThrottled, as on Lambda.
func (s *Service) Request(ctx context.Context, name string, payload []byte) ([]byte, error) {
	return s.invoke(ctx, name, payload, true)
}

func (s *Service) invoke(ctx context.Context, name string, payload []byte, bounded bool) ([]byte, error) {
	p, ok := s.pools[name]
	if !ok {
		return nil, fmt.Errorf("no function %q", name)
	}
	return p.invoke(ctx, payload, bounded)
}

// Kill ends every process of the function at once, as a crash of its machine would, and
// returns when they are gone. The next invocation gets a fresh process.
func (s *Service) Kill(name string) {
	if p, ok := s.pools[name]; ok {
		p.kill(&Error{Type: "Runtime.ExitError", Message: "Runtime exited with error: signal: killed"})
	}
}

// Close ends every process and fails what still runs with errClosed.
func (s *Service) Close() {
	for _, p := range s.pools {
		p.close()
	}
	_ = s.server.Close()
}

// lines writes one process's output to a log as whole lines, "folder: line". os/exec
// writes what is stdout and stderr at once from one goroutine only.
type lines struct {
	to     io.Writer
	folder string
	rest   []byte // the line that has not ended yet
}

func (w *lines) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		fmt.Fprintf(w.to, "%s: %s\n", w.folder, line)
		w.rest = rest
	}
}

// flush writes the last line of a process that has ended, if it did not end the line.
func (w *lines) flush() {
	if len(w.rest) > 0 {
		fmt.Fprintf(w.to, "%s: %s\n", w.folder, w.rest)
	}
}
