package supabase_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/supabase"
)

// beside stands for the direct connection, and tells what was asked of it.
type beside struct {
	supabase.Direct
	asked atomic.Int64
}

func (b *beside) Workflow(context.Context, string, string) (*workflow.Workflow, error) {
	b.asked.Add(1)
	return &workflow.Workflow{ID: "direct"}, nil
}

func (b *beside) Close() error { return nil }

// scripted is a store on a server that answers as it is told.
func scripted(t *testing.T, answer http.HandlerFunc) (*supabase.Store, *beside) {
	t.Helper()
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	b := &beside{}
	s, err := supabase.Open(supabase.Options{URL: srv.URL + "/", Key: "public-key", Direct: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, b
}

func asAda(ctx context.Context) context.Context {
	return store.WithCaller(ctx, store.NewCaller("ada", "token-of-ada", time.Now().Add(time.Hour)))
}

// TestAnswers: whatever comes back, calls end with an error of the right kind,
// say nothing of the insides, and leave the store as good as before.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const isJSON = "application/json; charset=utf-8"
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       workflow.Code
	}{
		"no such row":             {200, isJSON, `{"row":null}`, workflow.CodeNotFound},
		"null":                    {200, isJSON, `null`, workflow.CodeUnavailable},
		"nothing":                 {200, isJSON, ``, workflow.CodeUnavailable},
		"no content":              {204, "", ``, workflow.CodeUnavailable},
		"an array":                {200, isJSON, `[]`, workflow.CodeUnavailable},
		"JSON cut off":            {200, isJSON, `{"row":{"id":"x"`, workflow.CodeUnavailable},
		"another shape":           {200, isJSON, `{"row":"x"}`, workflow.CodeUnavailable},
		"document that is none":   {200, isJSON, `{"row":{"id":"x","document":"bm9uZQ=="}}`, workflow.CodeInternal},
		"a page":                  {200, "text/html", `<html>welcome</html>`, workflow.CodeUnavailable},
		"a page of a proxy":       {502, "text/html", `<html>Bad gateway</html>`, workflow.CodeUnavailable},
		"an error that is null":   {500, isJSON, `null`, workflow.CodeUnavailable},
		"an error cut off":        {503, isJSON, `{"code":`, workflow.CodeUnavailable},
		"an error without a body": {500, "", ``, workflow.CodeUnavailable},
		"an error of numbers":     {500, isJSON, `{"code":7,"message":[]}`, workflow.CodeUnavailable},
		"elsewhere":               {302, "text/html", ``, workflow.CodeUnavailable},
		"too many":                {429, "text/plain", `slow down`, workflow.CodeUnavailable},
		"expired":                 {401, isJSON, `{"code":"PGRST303","message":"JWT expired"}`, workflow.CodeUnauthorized},
		"expired, older":          {401, isJSON, `{"code":"PGRST301","message":"JWT expired"}`, workflow.CodeUnauthorized},
		"not signed":              {401, "text/plain", `no`, workflow.CodeUnauthorized},
		"not granted":             {403, isJSON, `{"code":"42501","message":"permission denied for table workflows"}`, workflow.CodeForbidden},
		"forbidden":               {403, "text/html", `<html>`, workflow.CodeForbidden},
		"no such function":        {404, isJSON, `{"code":"PGRST202","message":"Could not find the function"}`, workflow.CodeUnavailable},
		"schema not exposed":      {406, isJSON, `{"code":"PGRST106","message":"The schema must be one of the following: public"}`, workflow.CodeUnavailable},
		"no such page":            {404, "text/html", `<html>`, workflow.CodeUnavailable},
		"clash":                   {409, isJSON, `{"code":"23505","message":"duplicate key value","details":"Key (id)=(secret)"}`, workflow.CodeConflict},
		"clash without a code":    {409, "text/plain", ``, workflow.CodeConflict},
		"NUL":                     {400, isJSON, `{"code":"22P05","message":"unsupported Unicode escape sequence"}`, workflow.CodeInvalid},
		"too large":               {413, "text/html", `<html>`, workflow.CodeTooLarge},
		"database away":           {503, isJSON, `{"code":"PGRST002","message":"Could not query the database for the schema cache"}`, workflow.CodeUnavailable},
		"database busy":           {500, isJSON, `{"code":"57014","message":"canceling statement due to statement timeout"}`, workflow.CodeUnavailable},
		"of ours":                 {400, isJSON, `{"code":"42703","message":"column does not exist"}`, workflow.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := atomic.Bool{}
			s, _ := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
				if good.Load() {
					w.Header().Set("Content-Type", isJSON)
					_, _ = io.WriteString(w, `{"row":{"id":"x","owner_id":"ada","document":"e30="}}`)
					return
				}
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := s.Workflow(asAda(t.Context()), "ada", "x")
			if workflow.CodeOf(err) != c.want {
				t.Errorf("code %q instead of %q: %v", workflow.CodeOf(err), c.want, err)
			}
			for _, inside := range []string{"token-of-ada", "public-key", "(id)", "html"} {
				if strings.Contains(workflow.MessageOf(err), inside) || strings.Contains(fmt.Sprint(err), "token-of-ada") {
					t.Errorf("the error tells %q: %v", inside, err)
				}
			}
			good.Store(true)
			if w, err := s.Workflow(asAda(t.Context()), "ada", "x"); err != nil || w.ID != "x" {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

// TestWhoseToken: the caller's own token goes with calls for the caller's rows,
// and only there; all else is done directly.
func TestWhoseToken(t *testing.T) {
	t.Parallel()
	var seen sync.Map
	s, b := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen.Store("request", fmt.Sprint(r.Method, r.URL, r.Header.Values("Authorization"), r.Header.Values("Apikey"), r.Header.Values("Content-Profile"), string(body)))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"row":{"id":"rest","document":"e30="}}`)
	})
	own := store.NewCaller("ada", "token-of-ada", time.Now().Add(time.Hour))
	for name, c := range map[string]struct {
		caller *store.Caller
		owner  string
		want   string
	}{
		"own":              {own, "ada", "rest"},
		"nobody's":         {nil, "ada", "direct"},
		"another's":        {own, "bob", "direct"},
		"about to expire":  {store.NewCaller("ada", "x", time.Now().Add(time.Second)), "ada", "direct"},
		"expired":          {store.NewCaller("ada", "x", time.Now().Add(-time.Hour)), "ada", "direct"},
		"of no subject":    {store.NewCaller("", "x", time.Now().Add(time.Hour)), "", "direct"},
		"without a token":  {&store.Caller{}, "", "direct"},
		"of another's row": {store.NewCaller("ada' or 1=1", "x", time.Now().Add(time.Hour)), "ada", "direct"},
	} {
		ctx := t.Context()
		if c.caller != nil {
			ctx = store.WithCaller(ctx, c.caller)
		}
		if w, err := s.Workflow(ctx, c.owner, `../../auth/v1/admin?x=1&args="}`); err != nil || w.ID != c.want {
			t.Errorf("%s: %v, %v", name, w, err)
		}
	}
	got, _ := seen.Load("request")
	const want = `POST/rest/v1/rpc/workflow [Bearer token-of-ada] [public-key] [flowgate_api]{"args":"{\"id\":\"../../auth/v1/admin?x=1\\u0026args=\\\"}\"}"}`
	if got != want {
		t.Errorf("sent\n%s instead of\n%s", got, want)
	}
	if b.asked.Load() != 7 {
		t.Errorf("asked directly %d times", b.asked.Load())
	}
}

// TestSilentServer: calls end with their context, also amid a body.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		leave := make(chan struct{})
		s, _ := scripted(t, func(w http.ResponseWriter, r *http.Request) {
			if begun {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"row":`)
				w.(http.Flusher).Flush()
			}
			select {
			case <-r.Context().Done():
			case <-leave:
			}
		})
		ctx, cancel := context.WithTimeout(asAda(t.Context()), 50*time.Millisecond)
		if _, err := s.Workflow(ctx, "ada", "x"); workflow.CodeOf(err) != workflow.CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("body begun %v: %v", begun, err)
		}
		cancel()
		ctx, cancel = context.WithCancel(asAda(t.Context()))
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := s.Workflow(ctx, "ada", "x"); workflow.CodeOf(err) != workflow.CodeCancelled || !errors.Is(err, context.Canceled) {
			t.Errorf("body begun %v: %v", begun, err)
		}
		close(leave)
	}
}

// TestTooMuch: an answer without end is not read to its end.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	s, _ := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		piece := []byte(strings.Repeat(" ", 1<<20))
		for r.Context().Err() == nil {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	if _, err := s.Workflow(asAda(t.Context()), "ada", "x"); workflow.CodeOf(err) != workflow.CodeTooLarge {
		t.Error(err)
	}
}

// TestManyAtOnce: each call has its own user's token and answer, over few
// connections.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var connections sync.Map
	s, _ := scripted(t, func(w http.ResponseWriter, r *http.Request) {
		connections.Store(r.RemoteAddr, true)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"row":{"id":%q,"document":"e30="}}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	})
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for n := range 20 {
				user := fmt.Sprint("user-", worker, "-", n)
				ctx := store.WithCaller(t.Context(), store.NewCaller(user, user, time.Now().Add(time.Hour)))
				if w, err := s.Workflow(ctx, user, "x"); err != nil || w.ID != user {
					t.Errorf("%s: %v, %v", user, w, err)
				}
			}
		})
	}
	all.Wait()
	used := 0
	connections.Range(func(any, any) bool { used++; return true })
	if used > 32 {
		t.Errorf("%d connections for 16 workers", used)
	}
}

// TestWritesAreSentOnce: what may have been done is not done again.
func TestWritesAreSentOnce(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	s, _ := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		sent.Add(1)
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil { // it is not known whether it was done
			_ = conn.Close()
		}
	})
	err := s.CreateSession(asAda(t.Context()), &store.Session{ID: "s", OwnerID: "ada"})
	if workflow.CodeOf(err) != workflow.CodeUnavailable || sent.Load() != 1 {
		t.Errorf("sent %d times: %v", sent.Load(), err)
	}
}

// TestOpenRefuses addresses that are none.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []supabase.Options{{URL: "", Key: "k"}, {URL: "abc.supabase.co", Key: "k"}, {URL: "ftp://x", Key: "k"},
		{URL: "https://user:password@x", Key: "k"}, {URL: "https://x?y=z", Key: "k"}, {URL: "https://x"}} {
		if _, err := supabase.Open(o); workflow.CodeOf(err) != workflow.CodeInvalid {
			t.Errorf("%s: %v", o.URL, err)
		}
	}
}

// TestCheck: what is wrong with the project is told with its remedy.
func TestCheck(t *testing.T) {
	t.Parallel()
	for body, c := range map[string]struct {
		status int
		says   string
	}{
		`{"code":"42501","message":"permission denied for schema flowgate_api"}`: {401, ""},
		`{"api":1}`:                         {200, ""},
		`{"code":"PGRST106","message":"x"}`: {406, "exposed schemas"},
		`{"code":"PGRST202","message":"x"}`: {404, "reload schema"},
		`{"message":"Invalid API key"}`:     {401, "SUPABASE_ANON_KEY"},
	} {
		s, _ := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, body)
		})
		err := s.Check(t.Context())
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(workflow.MessageOf(err), c.says) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestProjectAway: after the project could not be reached calls go directly for
// a while, and then over REST again.
func TestProjectAway(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	b := &beside{}
	var clock atomic.Int64
	start := time.Now()
	s, err := supabase.Open(supabase.Options{URL: srv.URL, Key: "public-key", Direct: b,
		Now: func() time.Time { return start.Add(time.Duration(clock.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Workflow(asAda(t.Context()), "ada", "x"); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("the first call: %v", err)
	}
	if w, err := s.Workflow(asAda(t.Context()), "ada", "x"); err != nil || w.ID != "direct" {
		t.Errorf("the next: %v, %v", w, err)
	}
	clock.Store(int64(time.Minute))
	if _, err := s.Workflow(asAda(t.Context()), "ada", "x"); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("a minute later: %v", err)
	}
}
