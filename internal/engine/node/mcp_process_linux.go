package node

import (
	"os/exec"
	"syscall"
)

// mcpAttributes make a program die with this process and stand in a process
// group of its own.
func mcpAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// killMCP kills the program and what it started.
func killMCP(cmd *exec.Cmd) {
	if cmd.Process.Signal(syscall.Signal(0)) == nil { // not yet waited for: the number is its own
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	_ = cmd.Process.Kill()
}
