package durable

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const hang = "DURABLE_HANG=1"

func pid(p *worker) string { return fmt.Sprint(p.cmd.Process.Pid) }

// wantOnceBut checks that of three steps only the interrupted one ran twice.
func wantOnceBut(t *testing.T, w *world, run string) {
	t.Helper()
	for what, n := range map[string]int{"a": 1, "b": 2, "c": 1} {
		if got := w.effects(t, run, what); got != n {
			t.Errorf("step %s ran %d times, want %d", what, got, n)
		}
	}
}

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		p := startWorker(t, w, hang, "DURABLE_VERSION=1")
		p.do(t, "start", "three/x")
		await(t, 5*time.Second, "step b began", func() bool { return w.effects(t, "three/x", "b") == 1 })
		p.kill()
		begin := time.Now()
		startWorker(t, w, "DURABLE_VERSION=2")
		await(t, 5*time.Second, "run done", func() bool { return w.effects(t, "three/x", "done 1") == 1 })
		t.Logf("resumed after restart in %s", time.Since(begin))
		wantOnceBut(t, w, "three/x")
		if n := w.count(t, `SELECT count(*) FROM %leases`); n != 1 {
			t.Errorf("%d slots after a restart, want the first one again", n)
		}
	})
}

// A machine dies: nothing tells the others but the lease.
func TestTakeoverOfDeadHost(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		p := startWorker(t, w, hang, "DURABLE_HOST=elsewhere")
		other := startWorker(t, w)
		p.do(t, "start", "three/x")
		await(t, 5*time.Second, "step b began", func() bool { return w.effects(t, "three/x", "b") == 1 })
		p.kill()
		begin := time.Now()
		await(t, 15*time.Second, "run taken over", func() bool { return w.effects(t, "three/x", "done ") == 1 })
		t.Logf("taken over in %s", time.Since(begin))
		wantOnceBut(t, w, "three/x")
		if by := w.by(t, "three/x", "c"); !slices.Equal(by, []string{pid(other)}) {
			t.Errorf("step c ran in %v", by)
		}
	})
}

// A process is stopped for longer than its lease lasts and then goes on.
func TestTakeoverOfPausedProcess(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		p := startWorker(t, w, hang)
		startWorker(t, w)
		p.do(t, "start", "three/x")
		await(t, 5*time.Second, "step b began", func() bool { return w.effects(t, "three/x", "b") == 1 })
		if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		await(t, 15*time.Second, "run taken over", func() bool { return w.effects(t, "three/x", "done ") == 1 })
		t.Logf("taken over in %s", time.Since(begin))
		if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		await(t, 5*time.Second, "paused process stopped its call", func() bool {
			return w.effects(t, "three/x", "unwound: "+ErrStopped.Error()) == 1
		})
		p.do(t, "start", "one/y") // it goes on under another slot
		await(t, 10*time.Second, "next run done", func() bool { return w.effects(t, "one/y", "done ") == 1 })
		wantOnceBut(t, w, "three/x")
		if n := w.effects(t, "three/x", "done "); n != 1 {
			t.Errorf("run ended %d times", n)
		}
	})
}

func TestCloseHandsOver(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		p := startWorker(t, w, hang)
		startWorker(t, w)
		p.do(t, "start", "three/x")
		await(t, 5*time.Second, "step b began", func() bool { return w.effects(t, "three/x", "b") == 1 })
		begin := time.Now()
		p.do(t, "close")
		await(t, 5*time.Second, "run taken over", func() bool { return w.effects(t, "three/x", "done ") == 1 })
		t.Logf("handed over in %s", time.Since(begin))
		wantOnceBut(t, w, "three/x")
	})
}

func TestCancelAcrossProcesses(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		p, other := startWorker(t, w, hang), startWorker(t, w)
		p.do(t, "start", "three/x")
		await(t, 5*time.Second, "step b began", func() bool { return w.effects(t, "three/x", "b") == 1 })
		begin := time.Now()
		other.do(t, "cancel", "three/x")
		await(t, time.Second, "step in flight is told", func() bool {
			return w.effects(t, "three/x", "unwound: "+ErrCancelled.Error()) == 1
		})
		t.Logf("step told in %s", time.Since(begin))

		p.do(t, "start", "message/y")
		await(t, 5*time.Second, "run waits", func() bool { return w.waiting(t, "message/y") })
		other.do(t, "cancel", "message/y")
		other.do(t, "send", "message/y", "go", "late")
		p.kill() // nor does a restart bring cancelled runs back
		startWorker(t, w).do(t, "start", "one/z")
		await(t, 5*time.Second, "another run done", func() bool { return w.effects(t, "one/z", "done ") == 1 })
		if n := w.effects(t, "message/y", "got late") + w.effects(t, "three/x", "c"); n != 0 {
			t.Errorf("a cancelled run went on")
		}
	})
}

func (w *world) waiting(t *testing.T, run string) bool {
	return w.count(t, `SELECT count(*) FROM %workflow_status WHERE workflow_uuid = $1 AND status = 'CANCELLED'`, run) == 1
}

func TestMessageWakesAcrossProcessesAndKill(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		p, other := startWorker(t, w), startWorker(t, w)
		p.do(t, "start", "message/x")
		p.do(t, "start", "message/y")
		p.do(t, "start", "nap/z")
		await(t, 5*time.Second, "runs wait", func() bool {
			return w.waiting(t, "message/x") && w.waiting(t, "message/y") && w.waiting(t, "nap/z")
		})
		begin := time.Now()
		other.do(t, "send", "message/x", "go", "one")
		await(t, 3*time.Second, "run woken", func() bool { return w.effects(t, "message/x", "got one") == 1 })
		t.Logf("woken by a message in %s", time.Since(begin))
		p.kill()
		other.do(t, "send", "message/y", "go", "two")
		other.kill() // the message, and the wait, are all there is
		startWorker(t, w)
		await(t, 10*time.Second, "runs done", func() bool {
			return w.effects(t, "message/y", "got two") == 1 && w.effects(t, "nap/z", "done ") == 1
		})
		if n := w.count(t, `SELECT count(*) FROM %durable_messages`); n != 0 {
			t.Errorf("%d messages left", n)
		}
	})
}

// Not in parallel, and with leases that outlast the test: a saturated file on
// a busy machine starves their renewals under the race detector; see the
// limits in the ADR.
func TestFourProcessesOnOneFile(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "flowgate.db"))
	const each = 100
	var ps []*worker
	for range 4 {
		ps = append(ps, startWorker(t, w, "DURABLE_TTL=5m"))
	}
	begin := time.Now()
	for i, p := range ps {
		p.say(t, "many", fmt.Sprint("one/", i, "-"), each)
	}
	for _, p := range ps {
		p.answer(t)
	}
	await(t, 2*time.Minute, "all runs recorded as ended", func() bool {
		return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 4*each
	})
	t.Logf("%d runs of one step, with 2 effect rows each, in %s", 4*each, time.Since(begin))
	if n := w.count(t, `SELECT count(DISTINCT run_id) FROM %effects WHERE what = 'done '`); n != 4*each {
		t.Errorf("%d runs done", n)
	}
	if n := w.count(t, `SELECT count(*) FROM %effects`); n != 2*4*each {
		t.Errorf("%d effects, want each once", n)
		_ = w.book.query(t.Context(), func(scan func(...any) error) error {
			var run, what, by string
			err := scan(&run, &what, &by)
			t.Logf("%s: %q by %s", run, what, by)
			return err
		}, `SELECT run_id, what, by FROM %effects WHERE run_id IN (SELECT run_id FROM %effects GROUP BY run_id HAVING count(*) > 2)`)
	}
	for _, p := range ps {
		if log := p.stderr.String(); strings.Contains(log, "SQLITE_BUSY") || strings.Contains(log, "locked") {
			t.Errorf("a lock surfaced:\n%s", log)
		}
	}
}

// Another binary has another hash, which is the library's default version.
func TestUpgradeWithRunsInFlight(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		self, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		old := filepath.Join(t.TempDir(), "old")
		if err := os.WriteFile(old, append(bytes.Clone(self), "another hash"...), 0o700); err != nil {
			t.Fatal(err)
		}
		p := startBinary(t, old, w, hang, "DURABLE_VERSION=1")
		p.do(t, "start", "three/x")
		p.do(t, "start", "message/y")
		await(t, 5*time.Second, "step b began, other run waits", func() bool {
			return w.effects(t, "three/x", "b") == 1 && w.waiting(t, "message/y")
		})
		p.kill()
		startWorker(t, w, "DURABLE_VERSION=2").do(t, "send", "message/y", "go", "on")
		await(t, 5*time.Second, "runs done, under the version they were started with", func() bool {
			return w.effects(t, "three/x", "done 1") == 1 && w.effects(t, "message/y", "done 1") == 1
		})
		wantOnceBut(t, w, "three/x")
	})
}
