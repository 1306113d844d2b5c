package lambda

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"customercare/infra/local/process"
)

// initTimeout is how long a process may take until it asks for its first invocation, as
// on Lambda.
const initTimeout = 10 * time.Second

// instance is one process of a function; it works on one invocation at a time.
type instance struct {
	id   string // another one for each process
	pool *pool
	cmd  *exec.Cmd
	dead chan struct{} // closed when the process is gone and everybody knows

	// The pool's lock guards these two.
	starting bool // has not asked for work yet
	ready    bool // asks for work, or will in a moment: it starts, or has just answered

	began     time.Time // just before the process was started
	tellStart sync.Once

	mu      sync.Mutex
	current *invocation
	ending  bool        // the process is gone or as good as gone
	reason  error       // why it ends: we ended it, or it said so itself
	clock   *time.Timer // ends it when it takes too long
}

// start runs the binary. When that fails, the pool fails the invocation that wanted it.
func (i *instance) start() {
	s, f := i.pool.service, i.pool.function
	out := &lines{to: s.opts.Log, folder: f.Folder}
	dir, err := filepath.Abs(filepath.Join(s.opts.BinDir, f.Folder))
	if err == nil {
		i.mu.Lock()
		i.cmd = exec.Command(filepath.Join(dir, "bootstrap"))
		i.cmd.Dir = dir
		i.cmd.Env = i.environment(dir)
		i.cmd.Stdout, i.cmd.Stderr = out, out
		// A grandchild that holds the pipes does not keep Wait from returning.
		i.cmd.WaitDelay = time.Second
		i.began = time.Now()
		err = process.Start(i.cmd)
		if err == nil && i.reason != nil { // kill came before there was a process
			process.Kill(i.cmd)
		}
		i.mu.Unlock()
	}
	if err != nil {
		i.ended(fmt.Errorf("start function %s: %w", f.Folder, err))
		return
	}
	i.arm(initTimeout, timedOut("the function did not ask for work within %s of its start", initTimeout))
	go func() {
		status := "exit status 0"
		if err := i.cmd.Wait(); err != nil {
			status = err.Error()
		}
		out.flush()
		i.ended(&Error{Type: "Runtime.ExitError", Message: "Runtime exited with error: " + status})
	}()
}

// ended tells everybody that the process is gone. why is the reason, unless it was killed
// or has said itself why it cannot start.
func (i *instance) ended(why error) {
	i.disarm()
	i.mu.Lock()
	i.ending = true // from here on begin refuses
	inv := i.current
	why = cmp.Or(i.reason, why)
	i.mu.Unlock()

	if why != errClosed {
		fmt.Fprintf(i.pool.service.opts.Log, "%s: %s\n", i.pool.function.Folder, why)
	}
	// The pool first: whoever sees the failed invocation finds a pool without the dead
	// process.
	i.pool.gone(i, why)
	if inv != nil {
		inv.finish(nil, why)
	}
	close(i.dead)
}

// asks notes that the process asks for work: the start is over, and how long it took is
// told once.
func (i *instance) asks() {
	i.disarm()
	i.tellStart.Do(func() {
		if started := i.pool.service.opts.Started; started != nil {
			started(i.pool.function.Folder, time.Since(i.began))
		}
	})
}

// begin notes that the process is about to get the invocation, and starts its clock;
// false when the process died before.
func (i *instance) begin(inv *invocation) bool {
	timeout := i.pool.function.Timeout
	i.mu.Lock()
	if i.ending {
		i.mu.Unlock()
		return false
	}
	i.current = inv
	i.mu.Unlock()
	i.arm(timeout, timedOut("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, timeout.Seconds()))
	return true
}

// end takes the invocation with this id from the instance; nil when it has no such
// invocation. The clock runs on until the process asks for its next one, as on Lambda.
func (i *instance) end(id string) *invocation {
	i.mu.Lock()
	inv := i.current
	if inv == nil || inv.id != id {
		i.mu.Unlock()
		return nil
	}
	i.current = nil
	i.mu.Unlock()
	i.pool.answered(i)
	return inv
}

// timedOut is what Lambda says of a process that took too long.
func timedOut(format string, args ...any) *Error {
	return &Error{Type: "Sandbox.Timedout", Message: fmt.Sprintf(format, args...)}
}

// arm makes the process end with why unless it is disarmed or armed again within d.
func (i *instance) arm(d time.Duration, why error) {
	i.disarm()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.clock = time.AfterFunc(d, func() { i.kill(why) })
}

// disarm stops the clock.
func (i *instance) disarm() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.clock != nil {
		i.clock.Stop()
	}
}

// crashed is what Lambda says of a process that was killed from outside.
var crashed = &Error{Type: "Runtime.ExitError", Message: "Runtime exited with error: signal: killed"}

// because notes why the process ends. The first reason counts.
func (i *instance) because(why error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.reason = cmp.Or(i.reason, why)
}

// kill ends the process; why is what its invocation fails with.
func (i *instance) kill(why error) {
	i.because(why)
	i.mu.Lock()
	cmd := i.cmd
	i.mu.Unlock()
	select {
	case <-i.dead: // its process id may be somebody else's by now
	default:
		if cmd != nil {
			process.Kill(cmd)
		}
	}
}

// TraceRoot makes the root of an X-Ray trace that begins at the time.
func TraceRoot(at time.Time) string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x", at.Unix(), b)
}
