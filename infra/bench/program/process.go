// Package program runs a function's binary, or one to compare it with, as Lambda would, and takes the time: from its start to
// its first poll of the Runtime API, and from handing it an event to its answer.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"customercare/infra/local/process"
)

// Program is a binary with the environment that it gets.
type Program struct {
	Name string   // the folder of its source
	Path string   // of the binary
	Env  []string // "NAME=value", but for the address of the Runtime API
	Log  io.Writer
}

// Process is a running program. Invocations come one at a time.
type Process struct {
	Start time.Duration // from just before exec to the first poll

	cmd    *exec.Cmd
	server *http.Server
	polled chan time.Time // its first poll
	events chan []byte
	given  atomic.Pointer[time.Time] // when the event that is being worked on was handed out
	said   chan answer
	exited chan struct{}
}

type answer struct {
	text []byte
	took time.Duration
	err  error
}

// startPatience is what Lambda gives a function for its start.
const startPatience = 10 * time.Second

// Run starts the program and returns after its first poll. It runs until Close.
func (p Program) Run(ctx context.Context) (*Process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the Runtime API: %w", err)
	}
	r := &Process{
		polled: make(chan time.Time, 1), events: make(chan []byte), said: make(chan answer, 1), exited: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", r.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", r.response)
	r.server = &http.Server{Handler: mux}
	go func() { _ = r.server.Serve(listener) }()

	r.cmd = exec.Command(p.Path)
	r.cmd.Dir = filepath.Dir(p.Path)
	r.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, p.Env...)
	r.cmd.Stdout, r.cmd.Stderr = p.Log, p.Log
	began := time.Now()
	if err := process.Start(r.cmd); err != nil {
		r.server.Close()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case at := <-r.polled:
		r.Start = at.Sub(began)
		return r, nil
	case <-r.exited:
		err = errors.New("it ended before it asked for work")
	case <-patience.C:
		err = errors.New("it did not ask for work in time")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	r.Close()
	return nil, fmt.Errorf("start %s: %w", p.Name, err)
}

// next hands out the next event as soon as there is one.
func (r *Process) next(w http.ResponseWriter, request *http.Request) {
	select {
	case r.polled <- time.Now():
	default: // not the first
	}
	select {
	case event := <-r.events:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(event)))
		h.Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(29*time.Second).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
		now := time.Now()
		r.given.Store(&now)
		_, _ = w.Write(event)
	case <-request.Context().Done(): // the process is gone
	}
}

// response takes an answer, or an error in its place.
func (r *Process) response(w http.ResponseWriter, request *http.Request) {
	text, err := io.ReadAll(request.Body)
	said := answer{text: text, took: time.Since(*r.given.Load()), err: err}
	if err == nil && strings.HasSuffix(request.URL.Path, "/error") {
		said.err = fmt.Errorf("the invocation failed: %s", text)
	}
	w.WriteHeader(http.StatusAccepted)
	r.said <- said
}

// Invoke hands the process an event. took is from just before the event is written to when its answer has been read.
func (r *Process) Invoke(ctx context.Context, event []byte) (text []byte, took time.Duration, err error) {
	select {
	case r.events <- event:
	case <-r.exited:
		return nil, 0, errors.New("the process has ended")
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
	select {
	case said := <-r.said:
		return said.text, said.took, said.err
	case <-r.exited:
		return nil, 0, errors.New("the process has ended")
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
}

// CPU is the processor time that the process's threads have had so far; 0 where the system does not tell it to the
// nanosecond (it is Linux that does).
func (r *Process) CPU() time.Duration {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", r.cmd.Process.Pid))
	total := int64(0)
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		ran, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ran, 10, 64)
		total += n
	}
	return time.Duration(total)
}

// Close ends the process and returns when it is gone.
func (r *Process) Close() {
	process.Kill(r.cmd)
	<-r.exited
	_ = r.server.Close()
}
