package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullDiskUnderLoad fills the disk of a server's data folder up under a
// load of mixed requests, and makes room again: what cannot be kept is clearly
// refused, what was accepted is there and done once, and all goes on within
// seconds, without a restart.
func TestFullDiskUnderLoad(t *testing.T) {
	t.Parallel()
	b := &backend{folder: newSmallDisk(t)}
	srv := b.start(t, "log_level: warning")
	load := newStorm(t, b, srv)
	load.accepted(5, "the server takes the load")
	before, full := load.counts(), time.Now()
	ballast := newBallast(t, b.folder)
	eventually(t, 2*time.Minute, "requests of every kind are refused", func() bool {
		ballast.fill()
		for kind, c := range load.counts() {
			if c.refused == before[kind].refused {
				return false
			}
		}
		return true
	})
	if status, _ := srv.answer(t, "/livez"); status.StatusCode != 200 {
		t.Errorf("with a full disk it is said to be dead: %d", status.StatusCode)
	}
	ballast.drop()
	room := time.Now()
	load.accepted(1, "all is accepted again")
	t.Logf("all is accepted again %s after there was room", time.Since(room).Round(time.Millisecond))
	load.accepted(5, "the load goes on")
	load.verify(b, full, room)
	if strings.Contains(srv.log.String(), "panic") {
		t.Error("something panicked")
	}
}

// newSmallDisk returns a folder on a disk of its own of 64 MiB, or skips where
// none may be mounted.
func newSmallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=0700"); err != nil {
		t.Skipf("SKIPPED, A FULL DISK IS NOT SHOWN: a small one cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ballast is a file that takes all the room there is.
type ballast struct {
	t    *testing.T
	file *os.File
}

func newBallast(t *testing.T, dir string) *ballast {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &ballast{t: t, file: f}
}

// fill takes what room there is, to the last page.
func (b *ballast) fill() {
	for _, size := range []int{1 << 20, 4 << 10} {
		for piece := make([]byte, size); ; {
			if _, err := b.file.Write(piece); err != nil {
				break
			}
		}
	}
}

// drop gives the room back.
func (b *ballast) drop() {
	b.t.Helper()
	if err := b.file.Truncate(0); err != nil {
		b.t.Fatal(err)
	}
}
