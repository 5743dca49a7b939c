// Package objects is a server that speaks as Supabase Storage does, for tests of
// what a real one cannot be made to do when it is wanted: fall silent, break off,
// refuse. It keeps to the interface of supabase/storage: buckets; uploads of raw
// bodies with x-upsert; downloads with ranges; removal of several; lists of
// folders, which have no id; refusals that are 400 on the wire and whose status is
// a text in the body; a limit of sizes that goes by the announced one.
package objects

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Server is a running one.
type Server struct {
	URL string // of the project
	Key string // the secret one, which alone is accepted

	mux     *http.ServeMux
	mu      sync.Mutex
	limit   int64 // of one object's announced size; 0 is none
	fault   http.HandlerFunc
	buckets map[string]*bucket
}

type bucket struct {
	public  bool
	objects map[string]object
}

type object struct {
	data    []byte
	created time.Time
}

// Start runs a server without buckets until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{Key: "sb_secret_" + strings.Repeat("e5F6", 8), buckets: map[string]*bucket{}}
	mux := http.NewServeMux()
	s.mux = mux
	mux.HandleFunc("POST /storage/v1/bucket", s.createBucket)
	mux.HandleFunc("GET /storage/v1/bucket/{bucket}", s.getBucket)
	mux.HandleFunc("PUT /storage/v1/bucket/{bucket}", s.updateBucket)
	mux.HandleFunc("POST /storage/v1/object/list/{bucket}", s.list)
	mux.HandleFunc("POST /storage/v1/object/{bucket}/{name...}", s.upload)
	mux.HandleFunc("GET /storage/v1/object/{bucket}/{name...}", s.download)
	mux.HandleFunc("DELETE /storage/v1/object/{bucket}", s.remove)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault := s.fault
		s.mu.Unlock()
		switch {
		case fault != nil:
			fault(w, r)
		case r.Header.Get("Authorization") != "Bearer "+s.Key || r.Header.Get("Apikey") != s.Key:
			refuse(w, http.StatusForbidden, "AccessDenied", "Unauthorized", "Invalid Compact JWS")
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Fail has the server answer by fault from now on; nil ends that.
func (s *Server) Fail(fault http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Limit has the server refuse what announces more bytes.
func (s *Server) Limit(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = bytes
}

// Serve answers as it would without Fail.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Publish makes a bucket public.
func (s *Server) Publish(bucket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[bucket].public = true
}

// Names returns what a bucket holds, and whether it is public; false when there
// is no such bucket.
func (s *Server) Names(name string) (names []string, public, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return nil, false, false
	}
	for name := range b.objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, b.public, true
}

// Age makes an object older.
func (s *Server) Age(bucket, name string, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.buckets[bucket].objects[name]
	o.created = o.created.Add(-by)
	s.buckets[bucket].objects[name] = o
}

// Drop removes a bucket with all in it, as its owner may.
func (s *Server) Drop(bucket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets, bucket)
}

func refuse(w http.ResponseWriter, status int, code, kind, message string) {
	wire := http.StatusBadRequest
	if status == http.StatusInternalServerError {
		wire = status
	}
	answer(w, wire, map[string]string{"statusCode": strconv.Itoa(status), "code": code, "error": kind, "message": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may have left
}

// with finds the request's bucket and holds the lock meanwhile.
func (s *Server) with(w http.ResponseWriter, r *http.Request, do func(b *bucket)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.PathValue("bucket")]
	if b == nil {
		refuse(w, http.StatusNotFound, "NoSuchBucket", "Bucket not found", "Bucket not found")
		return
	}
	do(b)
}

func asked(w http.ResponseWriter, r *http.Request, v any) bool {
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"statusCode": "400", "error": "Error", "message": err.Error()})
		return false
	}
	return true
}

func (s *Server) createBucket(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID, Name string
		Public   bool
	}
	if !asked(w, r, &in) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[in.ID] != nil {
		refuse(w, http.StatusConflict, "BucketAlreadyExists", "Duplicate", "The resource already exists")
		return
	}
	s.buckets[in.ID] = &bucket{public: in.Public, objects: map[string]object{}}
	answer(w, http.StatusOK, map[string]string{"name": in.Name})
}

func (s *Server) getBucket(w http.ResponseWriter, r *http.Request) {
	s.with(w, r, func(b *bucket) {
		id := r.PathValue("bucket")
		answer(w, http.StatusOK, map[string]any{"id": id, "name": id, "owner": "", "public": b.public, "file_size_limit": nil, "allowed_mime_types": nil})
	})
}

func (s *Server) updateBucket(w http.ResponseWriter, r *http.Request) {
	var in struct{ Public *bool }
	if !asked(w, r, &in) {
		return
	}
	s.with(w, r, func(b *bucket) {
		if in.Public != nil {
			b.public = *in.Public
		}
		answer(w, http.StatusOK, map[string]string{"message": "Successfully updated"})
	})
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil { // broke off: nothing is kept
		refuse(w, http.StatusInternalServerError, "InternalError", "InternalError", "aborted")
		return
	}
	s.with(w, r, func(b *bucket) {
		name := r.PathValue("name")
		old, there := b.objects[name]
		switch {
		case s.limit > 0 && r.ContentLength > s.limit:
			refuse(w, http.StatusRequestEntityTooLarge, "EntityTooLarge", "Payload too large", "The object exceeded the maximum allowed size")
			return
		case there && r.Header.Get("X-Upsert") != "true":
			refuse(w, http.StatusConflict, "KeyAlreadyExists", "Duplicate", "The resource already exists")
			return
		case !there:
			old.created = time.Now()
		}
		b.objects[name] = object{data: data, created: old.created}
		answer(w, http.StatusOK, map[string]string{"Key": r.PathValue("bucket") + "/" + name, "Id": "00000000-0000-4000-8000-000000000000"})
	})
}

func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	var data []byte
	found := false
	s.with(w, r, func(b *bucket) {
		o, ok := b.objects[r.PathValue("name")]
		if data, found = o.data, ok; !ok {
			refuse(w, http.StatusNotFound, "NoSuchKey", "not_found", "Object not found")
		}
	})
	if found {
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	var in struct{ Prefixes []string }
	if !asked(w, r, &in) {
		return
	}
	s.with(w, r, func(b *bucket) {
		gone := []map[string]string{}
		for _, name := range in.Prefixes { // whole names, whatever they are called
			if _, ok := b.objects[name]; ok {
				delete(b.objects, name)
				gone = append(gone, map[string]string{"name": name})
			}
		}
		answer(w, http.StatusOK, gone)
	})
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Prefix        string
		Limit, Offset int
	}
	if !asked(w, r, &in) {
		return
	}
	if in.Prefix != "" && !strings.HasSuffix(in.Prefix, "/") {
		in.Prefix += "/"
	}
	s.with(w, r, func(b *bucket) {
		entries := map[string]map[string]any{}
		for name, o := range b.objects {
			rest, ok := strings.CutPrefix(name, in.Prefix)
			if !ok {
				continue
			}
			if folder, _, deeper := strings.Cut(rest, "/"); deeper {
				entries[folder] = map[string]any{"name": folder, "id": nil, "created_at": nil, "updated_at": nil, "metadata": nil}
				continue
			}
			entries[rest] = map[string]any{"name": rest, "id": "00000000-0000-4000-8000-000000000000", "created_at": o.created.UTC(), "updated_at": o.created.UTC()}
		}
		names := make([]string, 0, len(entries))
		for name := range entries {
			names = append(names, name)
		}
		slices.Sort(names)
		page := []map[string]any{}
		for _, name := range names[min(in.Offset, len(names)):min(in.Offset+in.Limit, len(names))] {
			page = append(page, entries[name])
		}
		answer(w, http.StatusOK, page)
	})
}
