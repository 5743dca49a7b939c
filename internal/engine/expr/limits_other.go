//go:build !linux

package expr

import (
	"runtime/debug"
	"syscall"
	"time"
)

func workerAttributes() *syscall.SysProcAttr { return nil }

// limitProcess asks the runtime to keep below the limit; the watcher of the
// pool and the owner's timeout do the rest.
func limitProcess(memory uint64) error {
	debug.SetMemoryLimit(int64(memory / 2))
	return nil
}

func allowCPU(time.Duration) {}
