package durable

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain makes of this binary, started with DURABLE_WORKER, a process that
// holds a runtime and obeys its standard input.
func TestMain(m *testing.M) {
	if url := os.Getenv("DURABLE_WORKER"); url != "" {
		if err := serve(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve answers each line "verb id [topic payload]" with a line "ok" or an error.
func serve(url string) error {
	ctx := context.Background()
	w, err := openWorld(ctx, url)
	if err != nil {
		return err
	}
	w.host = os.Getenv("DURABLE_HOST")
	opts := w.options(w.play)
	opts.EngineVersion = os.Getenv("DURABLE_VERSION")
	opts.HoldFor = 10 * time.Millisecond
	if ttl := os.Getenv("DURABLE_TTL"); ttl != "" {
		if opts.TTL, err = time.ParseDuration(ttl); err != nil {
			return err
		}
	}
	rt, err := Open(ctx, opts)
	if err != nil {
		return err
	}
	fmt.Println("ok")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		word := strings.Fields(in.Text())
		switch word[0] {
		case "start":
			err = startPatiently(ctx, rt, word[1])
		case "many": // many prefix count
			err = startMany(ctx, rt, word[1], word[2])
		case "cancel":
			err = rt.Cancel(ctx, word[1])
		case "send":
			err = rt.Send(ctx, word[1], word[2], []byte(word[3]))
		case "close":
			ended, cancel := context.WithCancel(ctx)
			cancel()
			err = rt.Close(ended)
		}
		if err != nil {
			fmt.Println("error:", err)
		} else {
			fmt.Println("ok")
		}
	}
	return in.Err()
}

// startPatiently tries again while a lost lease is replaced.
func startPatiently(ctx context.Context, rt *Runtime, id string) (err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = rt.Start(ctx, id); !errors.Is(err, ErrUnavailable) {
			break
		}
	}
	return err
}

func startMany(ctx context.Context, rt *Runtime, prefix, count string) error {
	n := 0
	if _, err := fmt.Sscan(count, &n); err != nil {
		return err
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for g := range errs {
		wg.Go(func() {
			for i := g; i < n; i += len(errs) {
				errs[g] = errors.Join(errs[g], startPatiently(ctx, rt, fmt.Sprint(prefix, i)))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// play is the Func of all worker processes; the id's first part names the piece.
func (w *world) play(r *Run) error {
	step := func(name string, fn func(ctx context.Context) error) error {
		_, err := r.Step(name, func(ctx context.Context) ([]byte, error) {
			if err := w.effect(r.ID(), name); err != nil {
				return nil, err
			}
			return []byte(name), fn(ctx)
		})
		return err
	}
	pass := func(context.Context) error { return nil }
	hang := func(ctx context.Context) error {
		if os.Getenv("DURABLE_HANG") == "" {
			return nil
		}
		<-ctx.Done()
		return errors.Join(w.effect(r.ID(), "unwound: "+context.Cause(ctx).Error()), ctx.Err())
	}
	var err error
	switch piece, _, _ := strings.Cut(r.ID(), "/"); piece {
	case "three":
		err = errors.Join(step("a", pass), step("b", hang), step("c", pass))
	case "one":
		err = step("a", pass)
	case "message":
		var got []byte
		if got, err = r.Receive("go", time.Time{}); err == nil {
			err = step("got "+string(got), pass)
		}
	case "nap":
		var clock []byte
		clock, err = r.Step("clock", func(context.Context) ([]byte, error) {
			return time.Now().Add(4 * time.Second).MarshalText()
		})
		var until time.Time
		if err == nil {
			err = errors.Join(until.UnmarshalText(clock), w.effect(r.ID(), "called"), r.Sleep(until))
		}
	}
	if err == nil {
		err = w.effect(r.ID(), "done "+r.EngineVersion())
	}
	return err
}

// worker is such a process.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *lines
}

type lines struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func startWorker(t *testing.T, w *world, env ...string) *worker {
	t.Helper()
	return startBinary(t, os.Args[0], w, env...)
}

func startBinary(t *testing.T, path string, w *world, env ...string) *worker {
	t.Helper()
	p := &worker{cmd: exec.Command(path), stderr: &lines{}}
	p.cmd.Env = append(os.Environ(), append(env, "DURABLE_WORKER="+w.url)...)
	p.cmd.Stderr = p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("worker %d:\n%s", p.cmd.Process.Pid, p.stderr)
		}
	})
	p.answer(t)
	return p
}

func (p *worker) answer(t *testing.T) {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil || line != "ok\n" {
		t.Fatalf("worker answers %q, %v\n%s", line, err, p.stderr)
	}
}

func (p *worker) do(t *testing.T, words ...any) {
	t.Helper()
	p.say(t, words...)
	p.answer(t)
}

func (p *worker) say(t *testing.T, words ...any) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, words...); err != nil {
		t.Fatal(err)
	}
}

// kill is kill -9. It returns when the process is gone.
func (p *worker) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}
