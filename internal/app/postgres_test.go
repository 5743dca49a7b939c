package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// backend is an empty database, and how the program is told of it.
type backend struct {
	url    string // of PostgreSQL, "" for SQLite
	folder string // the data folder
	schema string // put before the names of our tables
}

// eachBackend runs body on SQLite and on PostgreSQL.
func eachBackend(t *testing.T, body func(t *testing.T, b *backend)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); body(t, &backend{folder: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); body(t, newPostgres(t)) })
}

// newPostgres makes a database on the test server, or skips loudly where there
// is none, which CI must have.
func newPostgres(t *testing.T) *backend {
	t.Helper()
	base := os.Getenv("FLOWGATE_TEST_POSTGRES_URL")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_POSTGRES_URL is not set")
		}
		t.Skip("SKIPPED, NOT SHOWN ON POSTGRESQL: FLOWGATE_TEST_POSTGRES_URL is not set")
	}
	name := "flowgate_app_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	admin := func(ctx context.Context, query string) {
		conn, err := pgx.Connect(ctx, base)
		if err == nil {
			_, err = conn.Exec(ctx, query)
			_ = conn.Close(ctx)
		}
		if err != nil {
			t.Error(err)
		}
	}
	admin(t.Context(), "CREATE DATABASE "+name)
	t.Cleanup(func() { admin(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return &backend{url: u.String(), folder: t.TempDir(), schema: "flowgate."}
}

// secrets are what servers on one database have in common.
func (b *backend) secrets() string {
	return "api_secret_key: " + strings.Repeat("s3", 20) + "\nencryption_key: " + strings.Repeat("0123456789abcdef", 4) + "\n"
}

// config writes a configuration file and returns the flags that name it.
func (b *backend) config(t *testing.T, more ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := fmt.Sprintf("database_url: %q\n%s%s\n", b.url, b.secrets(), strings.Join(more, "\n"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--config", file}
}

// start runs a server on the backend.
func (b *backend) start(t *testing.T, more ...string) *serverProcess {
	t.Helper()
	return startServer(t, b.folder, append(b.config(t, more...), "--allow-private")...)
}

// key makes an API key of the local user.
func (b *backend) key(t *testing.T) string {
	t.Helper()
	var k struct{ Key string }
	flowgateJSON(t, &k, append([]string{"keys", "create", "--name", "test", "--scopes", "tools:execute", "--data-dir", b.folder, "--json"}, b.config(t)...)...)
	return k.Key
}

// open reads the database directly, past row-level security. Tables of ours
// are written %name.
func (b *backend) open(t *testing.T) *sql.DB {
	t.Helper()
	var db *sql.DB
	if b.url == "" {
		var err error
		if db, err = sql.Open("sqlite", "file:"+filepath.Join(b.folder, "flowgate.db")+"?_pragma=busy_timeout(10000)"); err != nil {
			t.Fatal(err)
		}
	} else {
		cfg, err := pgx.ParseConfig(b.url)
		if err != nil {
			t.Fatal(err)
		}
		db = stdlib.OpenDB(*cfg)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// tally returns how many executions have which status.
func (b *backend) tally(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT status, count(*) FROM `+b.schema+`executions GROUP BY status`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var status string
		var n int
		if err := rows.Scan(&status, &n); err != nil {
			t.Fatal(err)
		}
		counts[status] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return counts
}

// TestPostgresServesAll has serve, stdio and agent work on one PostgreSQL
// database, each with a data folder of its own: what one makes the others see,
// and nothing is kept in the folders.
func TestPostgresServesAll(t *testing.T) {
	t.Parallel()
	b, out := newPostgres(t), newEffects(t)
	srv, key := b.start(t), b.key(t)
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("common", out.URL+"/effect"), &saved)
	var e executionReply
	srv.call(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID}, &e)
	if e.Status != "success" {
		t.Fatalf("%+v", e)
	}

	client := startStdio(t, t.TempDir(), b.config(t)...)
	client.call(t, "execute_workflow", object{"workflow_id": saved.WorkflowID}, &e)
	if e.Status != "success" {
		t.Fatalf("by stdio: %+v", e)
	}

	port := freePort(t)
	agent := exec.Command(binary(t), append([]string{"agent", "--listen", "127.0.0.1:" + port, "--data-dir", t.TempDir(), "--allow-private"}, b.config(t)...)...)
	log := &syncBuffer{}
	agent.Dir, agent.Env, agent.Stderr = t.TempDir(), cleanEnv(), log
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		_ = agent.Wait()
		if t.Failed() {
			t.Logf("agent log:\n%s", log)
		}
	})
	eventually(t, 20*time.Second, "the agent listens", func() bool { return strings.Contains(log.String(), "agent listens on") })
	gateway := startServer(t, t.TempDir(), b.config(t, "workflow_service_host: 127.0.0.1", "workflow_service_port: "+port)...)
	gateway.call(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID}, &e)
	if e.Status != "success" || out.count("/effect?") != 3 {
		t.Fatalf("by the remote agent: %+v, %d effects in all", e, out.count("/effect?"))
	}
	if counts := b.tally(t, b.open(t)); counts["success"] != 3 || len(counts) != 1 {
		t.Errorf("the database holds %v", counts)
	}
	if files, err := filepath.Glob(filepath.Join(b.folder, "*")); err != nil || len(files) != 1 || filepath.Base(files[0]) != "files" { // users' files are no rows
		t.Errorf("the data folder holds %v, %v", files, err)
	}
}

// TestPostgresCommonSecrets: outside development servers do not invent secrets
// that others on the same database would not have; in development they say so.
func TestPostgresCommonSecrets(t *testing.T) {
	t.Parallel()
	b := newPostgres(t)
	run := func(folder string, env ...string) string {
		cmd := exec.CommandContext(t.Context(), binary(t), "keys", "create", "--name", "n", "--scopes", "tools:read", "--data-dir", folder, "--json")
		cmd.Dir, cmd.Env = t.TempDir(), append(append(cleanEnv(), "DATABASE_URL="+b.url), env...)
		out, _ := cmd.CombinedOutput() // it may fail: what it says counts
		return string(out)
	}
	for _, name := range []string{"API_SECRET_KEY", "ENCRYPTION_KEY"} {
		if said := run(t.TempDir(), "ENVIRONMENT=staging", "CORS_ORIGINS=none"); !strings.Contains(said, "set "+name) || strings.Contains(said, `"key"`) {
			t.Errorf("staging without %s: %s", name, said)
		}
	}
	folder := t.TempDir()
	const differs = "another server on this database has another "
	for range 2 {
		if said := run(folder); strings.Contains(said, differs) || !strings.Contains(said, `"key"`) {
			t.Errorf("the first folder: %s", said)
		}
	}
	if said := run(t.TempDir()); !strings.Contains(said, differs+"api_secret_key") || !strings.Contains(said, differs+"encryption_key") {
		t.Errorf("another folder: %s", said)
	}
}

// TestPostgresGoesAndComes starts the server before its database can be
// reached, and takes the database away under it: health says so, calls say
// so, and all goes on when it is back.
func TestPostgresGoesAndComes(t *testing.T) {
	t.Parallel()
	b, out := newPostgres(t), newEffects(t)
	proxy := newProxy(t, b)
	binary(t) // built before the clock runs
	through := &backend{url: proxy.url, folder: b.folder, schema: b.schema}
	started := make(chan struct{})
	go func() {
		defer close(started)
		time.Sleep(time.Second) // while the server waits for its database
		proxy.open()
	}()
	srv := through.start(t)
	<-started
	if !strings.Contains(srv.log.String(), "the database does not answer yet") {
		t.Errorf("nothing was said of waiting:\n%s", srv.log)
	}
	key := b.key(t)
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("persistent", out.URL+"/before", out.URL+"/slow", out.URL+"/after"), &saved)
	var e executionReply
	srv.call(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 0}, &e)
	eventually(t, 10*time.Second, "the effect is under way", func() bool { return out.slow.Load() == 1 })

	proxy.shut()
	eventually(t, 15*time.Second, "health says that the database is down", func() bool {
		return strings.Contains(srv.get(t, "/api/public/health"), `"database":false`)
	})
	if status, body := srv.invoke(t, key, "get_workflow", object{"workflow_id": saved.WorkflowID}); status != 503 {
		t.Errorf("without its database the server answers %d: %s", status, body)
	}
	close(out.block) // the effect ends while its result cannot be recorded
	time.Sleep(500 * time.Millisecond)
	proxy.open()
	eventually(t, 40*time.Second, "the execution ends", func() bool {
		status, body := srv.invoke(t, key, "get_execution", object{"execution_id": e.ExecutionID})
		var reply struct{ Result executionReply }
		return status == 200 && json.Unmarshal(body, &reply) == nil && reply.Result.Status == "success"
	})
	if n := out.count("/before?"); n != 1 {
		t.Errorf("the recorded effect was done %d times", n)
	}
	if n := out.count("/after?"); n != 1 {
		t.Errorf("the last effect was done %d times", n)
	}
}

// proxy stands between a program and PostgreSQL and can be shut.
type proxy struct {
	url, target string
	address     string

	mu    sync.Mutex
	lis   net.Listener
	conns []net.Conn
	work  sync.WaitGroup
}

func newProxy(t *testing.T, b *backend) *proxy {
	t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: u.Host, address: "127.0.0.1:" + freePort(t)}
	u.Host = p.address
	p.url = u.String()
	t.Cleanup(func() { p.shut(); p.work.Wait() })
	return p
}

func (p *proxy) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	lis, err := net.Listen("tcp", p.address)
	if err != nil {
		panic(err)
	}
	p.lis = lis
	p.work.Go(func() {
		for {
			in, err := lis.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				p.work.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				})
			}
		}
	})
}

// shut refuses connections and cuts those there are.
func (p *proxy) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lis != nil {
		_ = p.lis.Close()
	}
	for _, c := range slices.Backward(p.conns) {
		_ = c.Close()
	}
	p.conns = nil
}
