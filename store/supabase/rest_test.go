package supabase_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
	"flowgate/store/postgres"
	"flowgate/store/storetest"
	"flowgate/store/storetest/lite"
	"flowgate/store/supabase"
)

// project is a Supabase project of the test's own on the test server.
type project struct {
	*lite.Server
	database string
	sent     atomic.Int64 // requests over REST
}

// worlds is how many tests use the project at once, each in its own schema.
const worlds = 3

func schema(world int) string { return fmt.Sprint("world_", world) }

func newProject(t *testing.T, worlds int) *project {
	t.Helper()
	base := os.Getenv("FLOWGATE_TEST_POSTGRES_URL")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_POSTGRES_URL is not set")
		}
		t.Skip("SKIPPED, NOT SHOWN ON SUPABASE'S REST INTERFACE: FLOWGATE_TEST_POSTGRES_URL is not set")
	}
	name := fmt.Sprintf("flowgate_supabase_%d_%d", os.Getpid(), time.Now().UnixNano())
	admin := func(query string) {
		ctx := context.Background() // the test's may have ended
		conn, err := pgx.Connect(ctx, base)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	admin("CREATE DATABASE " + name)
	t.Cleanup(func() { admin("DROP DATABASE " + name + " WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	p := &project{database: u.String()}
	var exposed []string
	for world := range worlds {
		if err := p.direct(t, world).Close(); err != nil {
			t.Fatal(err)
		}
		exposed = append(exposed, schema(world)+"_api")
	}
	p.Server = lite.Start(t, p.database, exposed...)
	return p
}

func (p *project) direct(t *testing.T, world int) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Options{URL: p.database, Schema: schema(world), Connections: 6})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RoundTrip counts what goes over REST.
func (p *project) RoundTrip(req *http.Request) (*http.Response, error) {
	p.sent.Add(1)
	return http.DefaultTransport.RoundTrip(req)
}

// open opens a world whose calls all come with their owner's token.
func (p *project) open(t *testing.T, world int) *supabase.Store {
	t.Helper()
	s, err := supabase.Open(supabase.Options{URL: p.URL, Key: p.Anon, Schema: schema(world) + "_api", Direct: p.direct(t, world), Transport: p,
		Caller: func(_ context.Context, owner string) *store.Caller {
			return store.NewCaller(owner, p.Token(t, owner), time.Now().Add(time.Hour))
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// empty deletes what a test left in a world.
func (p *project) empty(t *testing.T, world int) {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, p.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var tables []string
	rows, err := conn.Query(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname = $1 AND tablename <> 'schema_versions'`, schema(world))
	if err == nil {
		tables, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err == nil { // TRUNCATE makes new files, which is slow for tables this small
		_, err = conn.Exec(ctx, "SET session_replication_role = replica; DELETE FROM "+strings.Join(tables, "; DELETE FROM "), pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestStore has the suite of all backends pass where every call that comes from
// a user goes over the REST interface under the user's own token.
func TestStore(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short")
	}
	p := newProject(t, worlds)
	free := make(chan int, worlds)
	for world := range worlds {
		free <- world
	}
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			world := <-free
			t.Cleanup(func() { free <- world })
			p.empty(t, world)
			return p.open(t, world)
		})
	})
	if n := p.sent.Load(); n < 400 {
		t.Errorf("the suite sent %d requests over REST", n)
	}
}
