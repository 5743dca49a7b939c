package supabase_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/storetest"
	"flowgate/store/storetest/objects"
	"flowgate/store/supabase"
)

func openStorage(t *testing.T, s *objects.Server, o supabase.StorageOptions) *supabase.Storage {
	t.Helper()
	o.URL = s.URL
	if o.Key == "" {
		o.Key = s.Key
	}
	st, err := supabase.OpenStorage(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// TestContents has the suite of those who keep content pass.
func TestContents(t *testing.T) {
	t.Parallel()
	storetest.RunContents(t, func(t *testing.T) store.Contents { return openStorage(t, objects.Start(t), supabase.StorageOptions{}) })
}

// TestStorageOfProject keeps, lists and deletes with another's server, over a
// PostgreSQL with its policies, in a project that lets users do anything in any
// bucket: in this one they can do nothing. That server's downloads are empty, so
// that they are not asked for here.
func TestStorageOfProject(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short")
	}
	p := newProject(t, 1)
	st, err := supabase.OpenStorage(supabase.StorageOptions{URL: p.URL, Key: p.Service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if _, err := st.Open(t.Context(), id); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("without a bucket: %v", err)
	}
	if err := errors.Join(st.Check(t.Context()), st.Ping(t.Context()), st.Check(t.Context())); err != nil {
		t.Fatal(err)
	}
	listed := func() (ids []string) {
		t.Helper()
		err := st.List(t.Context(), time.Now().Add(time.Minute), func(some []string) error {
			ids = append(ids, some...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		return ids
	}
	made := store.ExecutionContent(id, strings.Repeat("0", 64))
	want := []string{id + "1", id + "2", made}
	slices.Sort(want)
	for i, id := range want {
		keep(t, st, id, make([]byte, i*100<<10))
	}
	if _, err := st.Open(t.Context(), id); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := st.Write(t.Context(), id, io.LimitReader(&counted{}, 1<<20), 1<<19); workflow.CodeOf(err) != workflow.CodeTooLarge {
		t.Errorf("too large: %v", err)
	}
	if got := listed(); !slices.Equal(got, want) {
		t.Errorf("kept are %q, not %q", got, want)
	}
	p.strangersAtFiles(t, "12/"+id+"2")
	if got := listed(); !slices.Equal(got, want) {
		t.Errorf("strangers left %q", got)
	}
	if err := errors.Join(st.DeleteOf(t.Context(), id), st.Delete(t.Context(), id+"1"), st.Delete(t.Context(), id+"1")); err != nil {
		t.Fatal(err)
	}
	if got := listed(); len(got) != 1 {
		t.Errorf("left are %q", got)
	}
}

// strangersAtFiles has users and nobody try at an object in the bucket of files.
func (p *project) strangersAtFiles(t *testing.T, name string) {
	t.Helper()
	direct := p.direct(t, 0)
	defer direct.Close()
	conn, err := pgx.Connect(t.Context(), p.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), `CREATE POLICY anything ON storage.objects USING (true); CREATE POLICY anything ON storage.buckets USING (true);
		INSERT INTO storage.buckets (id, name) VALUES ('avatars', 'avatars')`)
	if err != nil {
		t.Fatal(err)
	}
	try := func(method, path, key, token, body string) (status int, said string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, p.URL+"/storage/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Apikey", key)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Upsert", "true")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(data)
	}
	user := p.Token(t, "00000000-0000-4000-8000-000000000001")
	if status, said := try("POST", "object/avatars/mine.json", p.Anon, user, `{}`); status != http.StatusOK {
		t.Fatalf("the test shows nothing: a user's upload elsewhere gives %d %s", status, said)
	}
	if _, said := try("POST", "object/list/"+supabase.Bucket, p.Anon, user, `{"prefix":""}`); !strings.Contains(said, name) {
		t.Fatalf("the test shows nothing: before the guard a user is told %s", said)
	}
	if err := direct.GuardFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	for who, token := range map[string]string{"a user": user, "an OAuth client": p.ClientToken(t, "00000000-0000-4000-8000-000000000001", "app"), "nobody": ""} {
		for _, call := range [][3]string{
			{"GET", "object/" + supabase.Bucket + "/" + name}, {"GET", "object/public/" + supabase.Bucket + "/" + name}, {"GET", "object/info/" + supabase.Bucket + "/" + name},
			{"POST", "object/list/" + supabase.Bucket, `{"prefix":""}`}, {"POST", "object/" + supabase.Bucket + "/" + name, "forged"}, {"POST", "object/" + supabase.Bucket + "/f1/new", "forged"},
			{"PUT", "object/" + supabase.Bucket + "/" + name, "forged"}, {"DELETE", "object/" + supabase.Bucket, `{"prefixes":["` + name + `"]}`},
			{"POST", "object/sign/" + supabase.Bucket + "/" + name, `{"expiresIn":60}`}, {"POST", "object/upload/sign/" + supabase.Bucket + "/f1/new", `{}`},
			{"POST", "object/move", `{"bucketId":"` + supabase.Bucket + `","sourceKey":"` + name + `","destinationKey":"f1/moved"}`},
			{"POST", "object/copy", `{"bucketId":"` + supabase.Bucket + `","sourceKey":"` + name + `","destinationBucket":"avatars","destinationKey":"mine"}`},
			{"POST", "object/move", `{"bucketId":"avatars","sourceKey":"mine.json","destinationBucket":"` + supabase.Bucket + `","destinationKey":"f1/moved"}`},
			{"PUT", "bucket/" + supabase.Bucket, `{"public":true}`}, {"DELETE", "bucket/" + supabase.Bucket}, {"POST", "bucket/" + supabase.Bucket + "/empty", `{}`},
		} {
			status, said := try(call[0], call[1], p.Anon, token, call[2])
			if status < 400 && said != "[]" && !(call[0] == "PUT" && strings.HasPrefix(call[1], "bucket")) { // that one is silent
				t.Errorf("%s: %s %s %s gives %d %s", who, call[0], call[1], call[2], status, said)
			}
		}
	}
}

// id is like a file's.
const id = "019acdd5-0000-7000-8000-0000000000f1"

func keep(t *testing.T, st store.Contents, id string, data []byte) {
	t.Helper()
	if _, err := st.Write(t.Context(), id, bytes.NewReader(data), 1<<30); err != nil {
		t.Fatal(err)
	}
}

// says fails unless err has the code and its text for callers says so, without
// telling them the key.
func says(t *testing.T, s *objects.Server, err error, code workflow.Code, words string) {
	t.Helper()
	if workflow.CodeOf(err) != code || !strings.Contains(workflow.MessageOf(err), words) {
		t.Errorf("got %v (%s), want %s: %s", err, workflow.CodeOf(err), code, words)
	}
	if strings.Contains(fmt.Sprint(err), s.Key) {
		t.Error("the error holds the key")
	}
}

// TestBucketIsPrivate makes the bucket when it is missing, for several servers at
// once, and private when it is not.
func TestBucketIsPrivate(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	var work sync.WaitGroup
	for range 4 {
		st := openStorage(t, s, supabase.StorageOptions{})
		work.Go(func() {
			if err := st.Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if _, public, ok := s.Names(supabase.Bucket); !ok || public {
		t.Fatalf("the bucket is there: %v, public: %v", ok, public)
	}
	s.Publish(supabase.Bucket)
	st := openStorage(t, s, supabase.StorageOptions{})
	says(t, s, st.Check(t.Context()), workflow.CodeForbidden, "public")
	if err := errors.Join(st.Ping(t.Context()), st.Check(t.Context())); err != nil {
		t.Error(err)
	}
	if _, public, _ := s.Names(supabase.Bucket); public {
		t.Error("the bucket stays public")
	}
	// Somebody deletes it: that is said, and the next file makes it anew.
	s.Drop(supabase.Bucket)
	if _, err := st.Open(t.Context(), id); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("without a bucket: %v", err)
	}
	keep(t, st, id, []byte("x"))
	s.Drop(supabase.Bucket)
	if _, err := st.Write(t.Context(), id, strings.NewReader("x"), 9); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("without a bucket: %v", err)
	}
	keep(t, st, id, []byte("x"))
}

// TestStorageAway has Storage refuse, break off, send others' words and fall
// silent: callers are told that it cannot be used, and of nothing else.
func TestStorageAway(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) })
	for name, c := range map[string]struct {
		fault http.HandlerFunc
		words string
	}{
		"maintenance": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>Service Unavailable</html>", http.StatusServiceUnavailable)
		}, "cannot be used now"},
		"database away": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(544)
			_, _ = io.WriteString(w, `{"statusCode":"544","code":"DatabaseTimeout","error":"DatabaseTimeout","message":"The connection to the database timed out"}`)
		}, "cannot be used now"},
		"elsewhere":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "cannot be used now"},
		"breaks off":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cannot be reached"},
		"falls silent": {func(_ http.ResponseWriter, r *http.Request) { awaitEither(r, silent) }, "does not answer"},
		"nonsense": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `[null]`)
		}, "cannot be used now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := objects.Start(t)
			patient, st := openStorage(t, s, supabase.StorageOptions{}), openStorage(t, s, supabase.StorageOptions{})
			if name == "falls silent" {
				st = openStorage(t, s, supabase.StorageOptions{Patience: time.Second})
			}
			keep(t, patient, id, []byte("kept"))
			s.Fail(c.fault)
			_, err := st.Write(t.Context(), id+"2", bytes.NewReader(make([]byte, 1<<20)), 1<<21)
			says(t, s, err, workflow.CodeUnavailable, c.words)
			_, err = st.Open(t.Context(), id)
			says(t, s, err, workflow.CodeUnavailable, c.words)
			says(t, s, st.Delete(t.Context(), id), workflow.CodeUnavailable, c.words)
			says(t, s, st.Ping(t.Context()), workflow.CodeUnavailable, c.words)
			says(t, s, st.List(t.Context(), time.Now(), func([]string) error { return nil }), workflow.CodeUnavailable, c.words)
			s.Fail(nil)
			if names, _, _ := s.Names(supabase.Bucket); len(names) != 1 {
				t.Errorf("kept: %v", names)
			}
			if err := patient.Ping(t.Context()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// awaitEither waits for the caller to leave or for the test's end.
func awaitEither(r *http.Request, end <-chan struct{}) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-end:
	}
	panic(http.ErrAbortHandler)
}

func TestStorageKeyRefused(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	st := openStorage(t, s, supabase.StorageOptions{Key: "sb_secret_another"})
	_, err := st.Write(t.Context(), id, strings.NewReader("x"), 9)
	says(t, s, err, workflow.CodeUnavailable, "does not accept this server's key")
	says(t, s, st.Check(t.Context()), workflow.CodeUnavailable, "does not accept this server's key")
}

// TestProjectsLimit tells a caller of a file that the project takes none as large.
func TestProjectsLimit(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	st := openStorage(t, s, supabase.StorageOptions{})
	s.Limit(10)
	_, err := st.Write(t.Context(), id, strings.NewReader("eleven bytes"), 100)
	says(t, s, err, workflow.CodeTooLarge, "the Supabase project takes")
	keep(t, st, id, []byte("ten bytes!"))
}

// TestDownloadGoesOn loses the connection on the way, again and again: the
// content is read to its end from where it was lost. A server that knows no
// ranges does, too.
func TestDownloadGoesOn(t *testing.T) {
	t.Parallel()
	for name, ranges := range map[string]bool{"with ranges": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := objects.Start(t)
			st := openStorage(t, s, supabase.StorageOptions{})
			data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
			keep(t, st, id, data)
			var asked atomic.Int32
			s.Fail(func(w http.ResponseWriter, r *http.Request) {
				if !ranges {
					r.Header.Del("Range")
				}
				asked.Add(1)
				s.Serve(&cut{ResponseWriter: w, after: int(asked.Load()) * 300_000}, r)
			})
			r, err := st.Open(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, data) || asked.Load() < 2 {
				t.Errorf("%d of %d bytes after %d requests, %v", len(got), len(data), asked.Load(), err)
			}
			// Lost for good: that is said, and not taken for the end.
			s.Fail(func(w http.ResponseWriter, r *http.Request) { s.Serve(&cut{ResponseWriter: w, after: 100_000}, r) })
			r, err = st.Open(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := r.Read(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			s.Fail(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			_, err = io.ReadAll(r)
			says(t, s, err, workflow.CodeUnavailable, "cannot be reached")
		})
	}
}

// cut breaks off after so many bytes.
type cut struct {
	http.ResponseWriter
	after int
}

func (c *cut) Write(p []byte) (int, error) {
	if len(p) > c.after {
		_, _ = c.ResponseWriter.Write(p[:c.after])
		panic(http.ErrAbortHandler)
	}
	c.after -= len(p)
	return c.ResponseWriter.Write(p)
}

// TestUploadStreams passes on what comes before all has come.
func TestUploadStreams(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	st := openStorage(t, s, supabase.StorageOptions{})
	if err := st.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{})
	s.Fail(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if _, err := io.ReadFull(r.Body, make([]byte, 100<<10)); err != nil {
				t.Error(err)
			}
			close(came)
			_, _ = io.Copy(io.Discard, r.Body)
		}
		w.WriteHeader(http.StatusOK)
	})
	out, in := io.Pipe()
	go func() {
		_, _ = in.Write(make([]byte, 200<<10))
		select { // the rest comes after the beginning has arrived
		case <-came:
		case <-t.Context().Done():
		}
		_, _ = in.Write(make([]byte, 200<<10))
		_ = in.Close()
	}()
	if w, err := st.Write(t.Context(), id, out, 1<<30); err != nil || w.Size != 400<<10 {
		t.Errorf("%d, %v", w.Size, err)
	}
}

// TestRefusedEarly has the server answer before it has read all: its answer
// counts, and nobody reads on.
func TestRefusedEarly(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	st := openStorage(t, s, supabase.StorageOptions{})
	if err := st.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for status, code := range map[int]workflow.Code{http.StatusRequestEntityTooLarge: workflow.CodeTooLarge, http.StatusOK: workflow.CodeUnavailable} {
		s.Fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		endless := &counted{}
		_, err := st.Write(t.Context(), id, endless, 1<<40)
		if got := workflow.CodeOf(err); got != code && !(status != http.StatusOK && got == workflow.CodeUnavailable) { // the refusal may be lost with the connection
			t.Errorf("%d: %v", status, err)
		}
		read := endless.read.Load()
		if endless.Read(nil); read > 1<<30 {
			t.Errorf("%d bytes were read", read)
		}
	}
}

type counted struct{ read atomic.Int64 }

func (c *counted) Read(p []byte) (int, error) {
	c.read.Add(int64(len(p)))
	return len(p), nil
}

// TestReaderEndsWithItsContext cancels a download that the server is silent in.
func TestReaderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) })
	for name, patience := range map[string]time.Duration{"cancelled": time.Hour, "silent": 5 * time.Second} {
		keep(t, openStorage(t, s, supabase.StorageOptions{}), id, make([]byte, 1<<20))
		st := openStorage(t, s, supabase.StorageOptions{Patience: patience})
		s.Fail(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			awaitEither(r, silent)
		})
		ctx, cancel := context.WithCancel(t.Context())
		r, err := st.Open(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		want := workflow.CodeUnavailable
		if name == "cancelled" {
			want = workflow.CodeCancelled
			cancel()
		}
		if _, err := r.Read(make([]byte, 10)); workflow.CodeOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		_ = r.Close()
		s.Fail(nil)
	}
}

// TestOldContents lists what was kept before a time, however much there is, and
// may be deleted from meanwhile.
func TestOldContents(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	st := openStorage(t, s, supabase.StorageOptions{})
	const n = 1200 // in one folder, more than a page
	var want []string
	for i := range n {
		id := fmt.Sprintf("%030d-f1", i)
		keep(t, st, id, nil)
		if i%2 == 0 {
			s.Age(supabase.Bucket, "f1/"+id, time.Hour)
			want = append(want, id)
		}
	}
	var got []string
	err := st.List(t.Context(), time.Now().Add(-time.Minute), func(ids []string) error {
		got = append(got, ids...)
		for _, id := range ids[:min(20, len(ids))] {
			if err := st.Delete(t.Context(), id); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d of %d, %v", len(got), len(want), err)
	}
	enough := errors.New("enough")
	if err := st.List(t.Context(), time.Now(), func([]string) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}
