// Package supabase keeps what signed-in users see and change themselves by a
// Supabase project's REST interface (PostgREST), each call under the user's own
// token, so that the project's row-level security decides. The rest, whatever
// runs without a user's token, crosses users or is too hot for a request each
// (engine, keys, triggers, the pieces of a conversation), goes over a direct
// connection to the same database.
//
// The interface exposes the schema flowgate_api alone: functions that run as
// their caller. The tables behind them stay unexposed.
package supabase

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// DefaultSchema is the schema of the functions.
const DefaultSchema = "flowgate_api"

// Direct is the store beside the REST interface, on the same database.
type Direct interface {
	store.Store
	store.Supervision
}

// Options says how to open a Store. URL, Key and Direct are required.
type Options struct {
	URL    string // of the project, such as https://abc.supabase.co
	Key    string // its public (anon, publishable) key
	Schema string // "" means DefaultSchema
	Direct Direct // the Store closes it
	// Caller says with whose token a call for an owner's rows may be made; nil
	// means store.CallerOf.
	Caller func(ctx context.Context, owner string) *store.Caller
	// Transport carries the requests; nil means one of the Store's own.
	Transport http.RoundTripper
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is a store.Store of which signed-in users' own calls go over REST. It is
// safe for concurrent use.
type Store struct {
	Direct
	rest   *client
	caller func(ctx context.Context, owner string) *store.Caller
	now    func() time.Time
	closed atomic.Bool
	away   atomic.Int64    // until when, in nanoseconds, the project counts as not to be reached
	idle   *http.Transport // to be closed; nil: another's
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.Supervision = (*Store)(nil)
)

// Open returns the store; nothing is asked yet. The caller closes it.
func Open(o Options) (*Store, error) {
	base, err := projectURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Key == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The project's public key is missing.")
	}
	d, err := theDoor()
	if err != nil {
		return nil, err
	}
	s := &Store{Direct: o.Direct, caller: o.Caller, now: o.Now,
		rest: &client{base: base, key: o.Key, schema: o.Schema, out: o.Transport, door: d}}
	if o.Transport == nil {
		s.idle = newTransport()
		s.rest.out = s.idle
	}
	if s.rest.schema == "" {
		s.rest.schema = DefaultSchema
	}
	if s.caller == nil {
		s.caller = func(ctx context.Context, _ string) *store.Caller { return store.CallerOf(ctx) }
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

func projectURL(text string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The project's address is not understood; it is like https://abc.supabase.co")
	}
	return base, nil
}

// life is what a token must have left to be used: what goes on for longer than
// its user's token is done directly.
const life = 30 * time.Second

// pauseOf is how long calls go directly after the project could not be reached:
// the same policies hold there.
const pauseOf = 5 * time.Second

// as returns whom a call is made for over REST, nil when it goes directly:
// nobody's token came with it, or not the owner's, or it is about to expire, or
// the project could not be reached just now.
func (s *Store) as(ctx context.Context, owner string) *store.Caller {
	c := s.caller(ctx, owner)
	if c == nil || owner == "" || c.Subject != owner || c.ExpiresAt.Sub(s.now()) < life || s.now().UnixNano() < s.away.Load() {
		return nil
	}
	return c
}

// asForList returns the same for a page of a list: the functions know one order,
// from newest to oldest. apart is set for a list of few among many, whose index
// serves queries alone in which the condition stands as it is.
func (s *Store) asForList(ctx context.Context, owner string, page store.Page, apart bool) *store.Caller {
	if page.Oldest || page.ByName || apart {
		return nil
	}
	return s.as(ctx, owner)
}

// read calls a function that changes nothing.
func (s *Store) read(ctx context.Context, as *store.Caller, doing, name string, args, out any) error {
	return s.invoke(ctx, as, doing, name, true, args, out)
}

// write calls a function that changes something; it is sent once.
func (s *Store) write(ctx context.Context, as *store.Caller, doing, name string, args, out any) error {
	return s.invoke(ctx, as, doing, name, false, args, out)
}

func (s *Store) invoke(ctx context.Context, as *store.Caller, doing, name string, reads bool, args, out any) error {
	if s.closed.Load() {
		return fail(doing, errClosed)
	}
	err := s.rest.invoke(ctx, as, name, reads, args, out)
	if unreachable(ctx, err) {
		s.away.Store(s.now().Add(pauseOf).UnixNano())
	}
	return fail(doing, err)
}

// Check asks the project, without a user, whether it exposes the functions, and
// says what to do when it does not. Its refusal to let nobody in is what is
// expected.
func (s *Store) Check(ctx context.Context) error {
	var out struct{ API int }
	err := s.rest.invoke(ctx, store.NewCaller("", s.rest.key, time.Time{}), "about", true, map[string]any{}, &out)
	var a *answer
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &a):
		return fail("ask the Supabase project", err)
	case a.Code == "42501": // there, and not for everybody
		return nil
	case a.Code == "PGRST106":
		return workflow.Wrap(workflow.CodeUnsupported, failure(err), "The Supabase project does not expose the schema "+s.rest.schema+
			": add it to the exposed schemas (Project settings, Data API).")
	case a.Code == "PGRST202", a.Code == "42883", a.Code == "3F000":
		return workflow.Wrap(workflow.CodeUnsupported, failure(err), "The Supabase project's REST interface does not know the functions of "+s.rest.schema+
			": see that DATABASE_URL is this project's database, and have it read the schema anew (NOTIFY pgrst, 'reload schema').")
	case a.status == 401 || a.status == 403:
		return workflow.Wrap(workflow.CodeForbidden, failure(err), "The Supabase project does not accept the public key: check SUPABASE_ANON_KEY.")
	}
	return fail("ask the Supabase project", err)
}

// Close closes the connections, the direct ones too.
func (s *Store) Close() error {
	s.closed.Store(true)
	if s.idle != nil {
		s.idle.CloseIdleConnections()
	}
	return s.Direct.Close()
}

func (s *Store) stampNow() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
