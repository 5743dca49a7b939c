package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
	"flowgate/store/storetest"
)

// database makes an empty database for all tests of this run, each of which
// has a schema of its own in it.
var database = sync.OnceValues(func() (address string, err error) {
	return createDatabase(context.Background(), os.Getenv("FLOWGATE_TEST_POSTGRES_URL"))
})

var created []string // databases to drop

func createDatabase(ctx context.Context, base string) (string, error) {
	admin, err := pgx.Connect(ctx, base)
	if err != nil {
		return "", err
	}
	defer admin.Close(ctx)
	name := fmt.Sprintf("flowgate_store_%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	created = append(created, name)
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if len(created) > 0 {
		if admin, err := pgx.Connect(context.Background(), os.Getenv("FLOWGATE_TEST_POSTGRES_URL")); err == nil {
			for _, name := range created {
				_, _ = admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
			}
			_ = admin.Close(context.Background())
		}
	}
	os.Exit(code)
}

// server skips loudly where no PostgreSQL is named, which CI must have.
func server(t testing.TB) string {
	t.Helper()
	if os.Getenv("FLOWGATE_TEST_POSTGRES_URL") == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_POSTGRES_URL is not set")
		}
		t.Skip("SKIPPED, NOT SHOWN ON POSTGRESQL: FLOWGATE_TEST_POSTGRES_URL is not set")
	}
	address, err := database()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

var schemas atomic.Int64

// options are those of an empty store of the test's own.
func options(t testing.TB) postgres.Options {
	t.Helper()
	return postgres.Options{URL: server(t), Schema: fmt.Sprint("test_", schemas.Add(1)), Connections: 6}
}

func open(t testing.TB, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// superuser is a connection that row-level security does not apply to.
func superuser(t testing.TB, o postgres.Options) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	exec(t, conn, "SET search_path = "+o.Schema)
	return conn
}

func exec(t testing.TB, conn *pgx.Conn, query string, args ...any) int64 {
	t.Helper()
	tag, err := conn.Exec(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return tag.RowsAffected()
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, options(t)) })
}

func TestMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	o := options(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			_ = s.Close()
		})
	}
	wg.Wait()
	var applied int
	err := superuser(t, o).QueryRow(t.Context(), `SELECT count(*) FROM schema_versions WHERE version_id = 1`).Scan(&applied)
	if err != nil || applied != 1 {
		t.Errorf("applied %d times, %v", applied, err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	o := options(t)
	open(t, o)
	exec(t, superuser(t, o), `INSERT INTO schema_versions (version_id, is_applied) VALUES (999, true)`)
	_, err := postgres.Open(t.Context(), o)
	if workflow.CodeOf(err) != workflow.CodeUnsupported || !strings.Contains(err.Error(), "999") {
		t.Errorf("got %v", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(server(t))
	if err != nil {
		t.Fatal(err)
	}
	nowhere, missing := *u, *u
	nowhere.Host, nowhere.User = "127.0.0.1:1", url.UserPassword("me", "s3cr3t")
	missing.Path = "/there_is_no_such_database"
	for name, c := range map[string]struct {
		url, want string
		code      workflow.Code
	}{
		"nobody listens": {nowhere.String(), "The database at 127.0.0.1:1 did not answer within 300ms.", workflow.CodeUnavailable},
		"no database":    {missing.String(), "refuses this program", workflow.CodeUnavailable},
		"no address":     {"postgres://me:s3cr3t@host:port/x", "is not understood", workflow.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := postgres.Open(t.Context(), postgres.Options{URL: c.url, Wait: 300 * time.Millisecond})
			if workflow.CodeOf(err) != c.code || !strings.Contains(workflow.MessageOf(err), c.want) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the password is told: %v", err)
			}
			if time.Since(begin) > 10*time.Second {
				t.Errorf("it took %s", time.Since(begin))
			}
		})
	}
}

// TestNulIsInvalid: text holds no NUL. What a user names with it is refused
// as his mistake, what is only searched for is stored without it.
func TestNulIsInvalid(t *testing.T) {
	t.Parallel()
	s := open(t, options(t))
	w := &workflow.Workflow{ID: "w", OwnerID: "o", Document: workflow.Document{Name: "a\x00b", Tags: []string{"x\x00y"}}}
	if err := s.CreateWorkflow(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	got, err := s.Workflow(t.Context(), "o", "w")
	if err != nil || got.Document.Name != "a\x00b" || got.Document.Tags[0] != "x\x00y" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, f := range []store.WorkflowFilter{{Query: "ab"}, {Query: "a\x00b"}, {Tags: []string{"x\x00y"}}} {
		if _, total, _, err := s.ListWorkflows(t.Context(), "o", f, store.Page{}); err != nil || total != 1 {
			t.Errorf("%+v finds %d, %v", f, total, err)
		}
	}
	_, _, err = s.CreateExecution(t.Context(), &workflow.Execution{ID: "e", OwnerID: "o", WorkflowID: "w", IdempotencyKey: "\x00"})
	if workflow.CodeOf(err) != workflow.CodeInvalid {
		t.Errorf("got %v", err)
	}
	if _, err := s.Webhook(t.Context(), "GET", "a\x00\xff"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("got %v", err)
	}
	_, _, err = s.CreateExecution(t.Context(), &workflow.Execution{ID: "e", OwnerID: "o", WorkflowID: "w", Executor: "x"})
	if err != nil {
		t.Fatal(err)
	}
	p := store.Progress{
		Execution: &workflow.Execution{ID: "e", Executor: "x", Status: workflow.StatusRunning, LastNode: "n\x00"},
		NodeRuns:  []workflow.NodeRun{{Node: "n\x00", Status: "success"}},
	}
	for range 2 {
		if rejected, err := s.SaveProgress(t.Context(), []store.Progress{p}); err != nil || len(rejected) > 0 {
			t.Fatal(rejected, err)
		}
	}
	if runs, err := s.NodeRuns(t.Context(), "o", "e", "n\x00"); err != nil || len(runs) != 1 {
		t.Errorf("got %v, %v", runs, err)
	}
}

// TestCutConnections: connections that died while they were idle are replaced
// without anybody noticing, when the pool finds out in time, and a call that
// is under way fails as unavailable.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	o := options(t)
	u, err := url.Parse(o.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("application_name", o.Schema)
	u.RawQuery = q.Encode()
	o.URL = u.String()
	s := open(t, o)
	if err := s.CreateWorkflow(t.Context(), &workflow.Workflow{ID: "w", OwnerID: "o"}); err != nil {
		t.Fatal(err)
	}
	admin := superuser(t, o)
	for range 3 {
		exec(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()`, o.Schema)
		deadline := time.Now().Add(5 * time.Second)
		for {
			_, err := s.Workflow(t.Context(), "o", "w")
			if err == nil {
				break
			}
			if workflow.CodeOf(err) != workflow.CodeUnavailable || time.Now().After(deadline) {
				t.Fatalf("got %v, code %q", err, workflow.CodeOf(err))
			}
		}
	}
}
