//go:build !linux

package node

import (
	"os/exec"
	"syscall"
)

func mcpAttributes() *syscall.SysProcAttr { return nil }

func killMCP(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
