//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
