package expr

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// worker is a running worker process. One request goes to it at a time.
type worker struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	errs  *crashLog
	ready bool
	uses  int
	once  sync.Once
	ended chan struct{}
	state error // how it ended, once ended is closed
}

func startWorker(opts WorkerOptions) (*worker, error) {
	cmd := exec.Command(opts.Argv[0], opts.Argv[1:]...) //nolint:gosec // the operator's own binary
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.SysProcAttr = workerAttributes()
	k := &worker{cmd: cmd, errs: &crashLog{}, ended: make(chan struct{})}
	cmd.Stderr = k.errs
	var err error
	if k.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	k.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	limits := opts.Expr
	if !limits.AllowEnv {
		limits.Env = nil // what code may not see does not leave this process
	}
	if err := writeFrame(k.in, workerSetup{Options: limits, Memory: opts.Memory}); err != nil {
		k.kill()
	}
	return k, nil
}

// wait returns when the process has ended.
func (k *worker) wait() {
	k.state = k.cmd.Wait()
	close(k.ended)
}

func (k *worker) kill() {
	k.once.Do(func() { _ = k.cmd.Process.Kill() })
}

func (k *worker) alive() bool {
	select {
	case <-k.ended:
		return false
	default:
		return true
	}
}

// do sends a request and waits for the reply. A worker that is late or whose
// request is given up is killed.
func (k *worker) do(ctx context.Context, req *workRequest, limit time.Duration) (*workReply, error) {
	type answer struct {
		reply *workReply
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		reply, err := k.exchange(req)
		got <- answer{reply, err}
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	var stopped *Error
	select {
	case a := <-got:
		if a.err == nil {
			return a.reply, nil
		}
		stopped = k.died(a.err)
	case <-ctx.Done():
		stopped = failure(KindTimeout, "the code was stopped: "+ctx.Err().Error())
	case <-late.C:
		stopped = failure(KindTimeout, fmt.Sprintf("timed out: the code did not end within %v and was killed", limit-killGrace))
	}
	k.kill()
	return nil, stopped
}

func (k *worker) exchange(req *workRequest) (*workReply, error) {
	if !k.ready {
		if err := readFrame(k.out, &workReply{}); err != nil {
			return nil, err
		}
		k.ready = true
	}
	if err := writeFrame(k.in, req); err != nil {
		return nil, err
	}
	reply := &workReply{}
	return reply, readFrame(k.out, reply)
}

// died says why a worker ended in the middle of a request.
func (k *worker) died(err error) *Error {
	k.kill()
	select {
	case <-k.ended:
	case <-time.After(killGrace):
	}
	said := k.errs.String()
	for _, sign := range []string{"out of memory", "cannot allocate memory", "stack exceeds", "stack overflow"} {
		if strings.Contains(said, sign) {
			return failure(KindMemory, "out of memory: the code used more than it may")
		}
	}
	e := failure(KindWorker, "the process that ran the code ended")
	e.Description = err.Error()
	if said != "" {
		e.Description = firstLine(said)
	}
	return e
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// crashLog keeps the beginning of what a worker writes to its standard error,
// where the runtime names the cause of a crash.
type crashLog struct {
	mu sync.Mutex
	b  []byte
}

// Write keeps what there is room for.
func (t *crashLog) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 4096 - len(t.b); room > 0 {
		t.b = append(t.b, p[:min(len(p), room)]...)
	}
	return len(p), nil
}

// String returns what was kept.
func (t *crashLog) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
