package config

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Change takes over a new configuration: it prepares everything that can fail
// and returns what then puts it in force, which cannot.
type Change func(next *Config) (apply func(), err error)

// Reloader keeps the configuration in force and takes over changes of the keys
// that are live. Safe for concurrent use.
type Reloader struct {
	src     Source
	log     *slog.Logger
	done    func(ok bool) // told of each reload
	settle  time.Duration // to wait for further changes of a file
	mu      sync.Mutex
	last    *Config
	changes []Change
}

// NewReloader returns the keeper of cfg, which was loaded from src. done, when
// not nil, is told how each reload went.
func NewReloader(src Source, cfg *Config, log *slog.Logger, done func(ok bool)) *Reloader {
	last := *cfg
	if done == nil {
		done = func(bool) {}
	}
	return &Reloader{src: src, log: log, done: done, last: &last, settle: 200 * time.Millisecond}
}

// OnChange adds one who takes over changes.
func (r *Reloader) OnChange(c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, c)
}

// Reload reads the configuration anew, checks it whole, and takes over what is
// live. On an error nothing has changed.
func (r *Reloader) Reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	live, later, err := r.reload()
	r.done(err == nil)
	if err != nil {
		r.log.ErrorContext(ctx, "the configuration was not reloaded; the last good one stays in force", "error", err)
		return err
	}
	if len(later) > 0 {
		r.log.WarnContext(ctx, "changes of the configuration wait for a restart", "keys", strings.Join(later, ","))
	}
	r.log.InfoContext(ctx, "configuration reloaded", "changed", strings.Join(live, ","))
	return nil
}

func (r *Reloader) reload() (live, later []string, err error) {
	next, err := Load(r.src)
	if err != nil {
		return nil, nil, err
	}
	live, later = r.last.difference(next)
	merged := r.last.with(next, live)
	if err := merged.Validate(); err != nil {
		return nil, nil, err
	}
	applies := make([]func(), 0, len(r.changes))
	for _, c := range r.changes {
		apply, err := c(merged)
		if err != nil {
			return nil, nil, err
		}
		applies = append(applies, apply)
	}
	for _, apply := range applies {
		apply()
	}
	r.last = merged
	return live, later, nil
}

// Watch reloads when a configuration file changes and when told by hup, until
// ctx ends. The folders of the files are watched, since editors and
// Kubernetes put a new file in place of the old one.
func (r *Reloader) Watch(ctx context.Context, hup <-chan os.Signal) {
	events, close := r.files()
	defer close()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			_ = r.Reload(ctx) // it was logged
		case e, ok := <-events:
			switch {
			case !ok:
				events = nil
			case r.concerns(e):
				settled = time.After(r.settle)
			}
		case <-settled:
			settled = nil
			_ = r.Reload(ctx) // it was logged
		}
	}
}

func (r *Reloader) files() (<-chan fsnotify.Event, func()) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		r.log.Warn("changes of the configuration files are not seen; send SIGHUP instead", "error", err)
		return nil, func() {}
	}
	var folders []string
	for _, f := range r.src.paths() {
		if dir := filepath.Dir(f); !slices.Contains(folders, dir) {
			folders = append(folders, dir)
			err = errors.Join(err, w.Add(dir))
		}
	}
	if err != nil {
		r.log.Warn("changes of some configuration files are not seen; send SIGHUP instead", "error", err)
	}
	return w.Events, func() { _ = w.Close() }
}

// concerns reports whether an event in a watched folder is about our files.
func (r *Reloader) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	name := filepath.Base(e.Name)
	return name == "..data" || slices.ContainsFunc(r.src.paths(), func(f string) bool { return filepath.Base(f) == name })
}

// paths are the files that the source reads.
func (s Source) paths() []string {
	file, env := s.File, s.EnvFile
	if file == "" {
		file = "config.yaml"
	}
	if env == "" {
		env = ".env"
	}
	return []string{file, env}
}
