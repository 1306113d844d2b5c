package lambda

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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
	defer i.mu.Unlock()
	if i.cmd != nil && !i.ending { // else its process id may be somebody else's by now
		process.Kill(i.cmd)
	}
}

// TraceRoot makes the root of an X-Ray trace that begins at the time.
func TraceRoot(at time.Time) string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x", at.Unix(), b)
}

// environment is what Lambda sets for a custom runtime, the function's own variables and
// the service's. Nothing of this program's environment gets in.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func (i *instance) environment(taskRoot string) []string {
	s, f := i.pool.service, i.pool.function
	credentials := s.opts.Account.Credentials
	if credentials.AccessKeyID == "" {
		credentials.AccessKeyID, credentials.SecretAccessKey = f.AccessKeyID(), ExampleSecretKey
	}
	env := map[string]string{
		"AWS_ACCESS_KEY_ID":               credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           credentials.SecretAccessKey,
		"AWS_REGION":                      s.opts.Account.Region,
		"AWS_DEFAULT_REGION":              s.opts.Account.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + i.id,
		// Each process has a path of its own below one listener: aws-lambda-go joins the
		// address with "/2018-06-01/runtime/" as text, and another runtime would only
		// lose the path.
		"AWS_LAMBDA_RUNTIME_API": s.listener.Addr().String() + "/" + i.id,
		"_HANDLER":               f.Handler,
		"LAMBDA_TASK_ROOT":       taskRoot,
		"LAMBDA_RUNTIME_DIR":     taskRoot,
		"LANG":                   "en_US.UTF-8",
		"PATH":                   "/usr/local/bin:/usr/bin:/bin",
		"TZ":                     ":UTC",
	}
	if credentials.SessionToken != "" {
		env["AWS_SESSION_TOKEN"] = credentials.SessionToken
	}
	maps.Copy(env, f.Environment)
	maps.Copy(env, s.opts.Environment)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}
