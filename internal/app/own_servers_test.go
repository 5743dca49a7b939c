package app_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ownServer is a server of the test's own, which it stops and starts.
type ownServer struct {
	command []string
	as      *syscall.SysProcAttr
	log     *os.File
	ready   func() bool
	cmd     *exec.Cmd
}

func (o *ownServer) start(t *testing.T) {
	t.Helper()
	o.cmd = exec.Command(o.command[0], o.command[1:]...)
	o.cmd.Stdout, o.cmd.Stderr, o.cmd.SysProcAttr = o.log, o.log, o.as
	o.cmd.Dir = "/"
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, filepath.Base(o.command[0])+" answers", o.ready)
}

// stop sends the signal and returns when the server has ended.
func (o *ownServer) stop(sig syscall.Signal) {
	if o.cmd != nil {
		_ = o.cmd.Process.Signal(sig)
		_ = o.cmd.Wait()
		o.cmd = nil
	}
}

func (o *ownServer) signal(sig syscall.Signal) { _ = o.cmd.Process.Signal(sig) }

// run keeps a server that is started now, and ended with the test.
func (o *ownServer) run(t *testing.T, logFile string) *ownServer {
	t.Helper()
	var err error
	if o.log, err = os.Create(logFile); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.stop(syscall.SIGKILL)
		_ = o.log.Close()
		if data, err := os.ReadFile(logFile); err == nil && t.Failed() {
			t.Logf("log of %s:\n%s", filepath.Base(o.command[0]), data)
		}
	})
	o.start(t)
	return o
}

// missing skips loudly for want of a program, which CI must have.
func missing(t *testing.T, program, pkg string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(program + " is missing")
	}
	t.Skip("SKIPPED: " + program + " is missing (apt-get install " + pkg + ")")
}

// newOwnPostgres starts a PostgreSQL in a temporary folder. Its signals to stop
// are SIGINT (fast) and SIGQUIT (immediate, without writing anything more).
func newOwnPostgres(t *testing.T) (*ownServer, *backend) {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		missing(t, "PostgreSQL", "postgresql")
	}
	bin, dir, port := filepath.Dir(found[len(found)-1]), t.TempDir(), freePort(t)
	data := filepath.Join(dir, "data")
	var as *syscall.SysProcAttr
	if os.Getuid() == 0 { // as which it does not run
		uid, gid := idsOf(t, "postgres")
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
		for folder := dir; folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
			if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // another user's program has its folder there
				t.Fatal(err)
			}
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := exec.CommandContext(t.Context(), found[len(found)-1], "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = as, "/"
	runCommand(t, initdb)
	b := &backend{url: "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable", folder: t.TempDir(), schema: "flowgate."}
	// An operating system that lives on keeps what was written: no fsync.
	o := &ownServer{as: as, command: []string{filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=" + dir, "-c", "fsync=off", "-c", "shared_buffers=32MB"}}
	o.ready = func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, b.url)
		if err != nil {
			return false
		}
		return conn.Close(ctx) == nil
	}
	return o.run(t, filepath.Join(t.TempDir(), "postgres.log")), b
}

func idsOf(t *testing.T, name string) (uid, gid uint32) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	return number(u.Uid), number(u.Gid)
}

// newOwnRedis starts a Redis, which keeps nothing when it stops.
func newOwnRedis(t *testing.T) (o *ownServer, url string) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		missing(t, "redis-server", "redis-server")
	}
	dir, port := t.TempDir(), freePort(t)
	o = &ownServer{command: []string{bin, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir}}
	o.ready = func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.Write([]byte("PING\r\n"))
		said, _ := bufio.NewReader(c).ReadString('\n')
		return strings.HasPrefix(said, "+PONG")
	}
	return o.run(t, filepath.Join(dir, "redis.log")), "redis://127.0.0.1:" + port + "/0"
}
