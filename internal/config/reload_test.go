package config

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reloading is a reloader over a file, with what was applied.
type reloading struct {
	*Reloader
	path    string
	applied chan *Config
	refuse  error
	said    strings.Builder
}

func newReloading(t *testing.T, yaml string) *reloading {
	t.Helper()
	r := &reloading{path: filepath.Join(t.TempDir(), "config.yaml"), applied: make(chan *Config, 100)}
	r.write(t, yaml)
	src := Source{File: r.path}
	cfg, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	r.Reloader = NewReloader(src, cfg, slog.New(slog.NewTextHandler(&r.said, nil)), nil)
	r.settle = 10 * time.Millisecond
	r.OnChange(func(next *Config) (func(), error) { return func() { r.applied <- next }, r.refuse })
	return r
}

// write puts a file in place of the one that is there, as editors do.
func (r *reloading) write(t *testing.T, yaml string) {
	t.Helper()
	if err := os.WriteFile(r.path+".new", []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(r.path+".new", r.path); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	r := newReloading(t, "log_level: info\nport: 1000\n")
	r.write(t, "log_level: error\nport: 1001\ncors_origins: https://a.example\n")
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-r.applied; got.LogLevel != "error" || got.Port != 1000 || got.CORSOrigins[0] != "https://a.example" {
		t.Errorf("applied %+v", got)
	}
	if said := r.said.String(); !strings.Contains(said, "wait for a restart\" keys=port") || !strings.Contains(said, "changed=log_level,cors_origins") {
		t.Errorf("said %s", said)
	}
}

func TestReloadKeepsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	r := newReloading(t, "log_level: info\n")
	for yaml, want := range map[string]string{
		"log_level: loud\n": `"loud" is not one of`,
		"log_level: [\n":    "config.yaml",
		"cors_origins: '*'\ncors_allow_credentials: true\n": "cors_origins: * cannot go together",
		"colour: red\n": "unknown key colour",
	} {
		r.write(t, yaml)
		if err := r.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", yaml, err)
		}
	}
	r.write(t, "log_level: error\n")
	r.refuse = errors.New("cannot be prepared")
	if err := r.Reload(t.Context()); !errors.Is(err, r.refuse) {
		t.Errorf("got %v", err)
	}
	if len(r.applied) != 0 || r.last.LogLevel != "info" {
		t.Errorf("something was applied: %+v", r.last)
	}
	if said := r.said.String(); strings.Count(said, "the last good one stays in force") != 5 {
		t.Errorf("said %s", said)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	r := newReloading(t, "log_level: info\n")
	hup := make(chan os.Signal)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Watch(ctx, hup) }()
	hup <- os.Interrupt // any signal will do; the watch is on when it was taken
	<-r.applied
	r.write(t, "log_level: error\n")
	if got := <-r.applied; got.LogLevel != "error" {
		t.Errorf("applied %+v", got)
	}
	stop()
	<-done
}
