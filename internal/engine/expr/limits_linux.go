package expr

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// workerAttributes make a worker die with its owner and stand in a process
// group of its own.
func workerAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// limitProcess bounds what this process may take: memory beyond what it has
// mapped so far, no files beyond those it has open, no core dumps.
func limitProcess(memory uint64) error {
	debug.SetMemoryLimit(int64(memory / 2))
	mapped, err := mappedBytes()
	if err != nil {
		return err
	}
	limits := []struct {
		what  int
		value uint64
	}{
		{syscall.RLIMIT_AS, mapped + memory},
		{syscall.RLIMIT_NOFILE, 16},
		{syscall.RLIMIT_CORE, 0},
		{syscall.RLIMIT_FSIZE, 0},
	}
	for _, l := range limits {
		if err := syscall.Setrlimit(l.what, &syscall.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return err
		}
	}
	return nil
}

// allowCPU lets the process use so much more CPU time from now on.
func allowCPU(d time.Duration) {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return
	}
	used := uint64(use.Utime.Sec+use.Stime.Sec) + 1
	var now syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CPU, &now) != nil {
		return
	}
	// garbage collection works beside the code, on every CPU
	now.Cur = min(now.Max, used+4*uint64(d/time.Second)+4)
	_ = syscall.Setrlimit(syscall.RLIMIT_CPU, &now)
}

func mappedBytes() (uint64, error) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseUint(string(bytes.Fields(data)[0]), 10, 64)
	return pages * uint64(os.Getpagesize()), err
}
