//go:build unix

// Package process starts child processes that never outlive this one.
package process

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// starter runs on one OS thread for the whole life of the program. Linux ties "kill the
// child when the parent dies" to the thread that forked, not to the process
// (golang/go#27505): a child started from a thread that the Go scheduler retires later
// would be killed for no reason.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// Start starts cmd in a process group of its own, so that a terminal's Ctrl-C reaches
// only this program, which then ends its children in order. On Linux the kernel kills the
// child when this program dies, however it dies.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = detached()
	err := make(chan error, 1)
	starter() <- func() { err <- cmd.Start() }
	return <-err
}

// Kill ends the started cmd and whatever it started in its group, at once. The caller
// still has to Wait.
func Kill(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
