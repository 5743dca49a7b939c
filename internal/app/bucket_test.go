package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/store/storetest/objects"
	"flowgate/store/supabase"
)

const bucketSecret = "an HS256 secret for tests which nobody else uses"

// bucketPerson is a user of the project's.
func bucketPerson(t *testing.T, srv *serverProcess, project, id string) *person {
	t.Helper()
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": id, "role": "authenticated", "aud": "authenticated", "iss": project + "/auth/v1",
		"email": id + "@b.test", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}).SignedString([]byte(bucketSecret))
	if err != nil {
		t.Fatal(err)
	}
	return &person{srv, token}
}

func (p *person) download(t *testing.T, file, part string) (int, []byte) {
	t.Helper()
	headers := []string{"Authorization", "Bearer " + p.token}
	if part != "" {
		headers = append(headers, "Range", part)
	}
	return p.srv.do(t, "GET", "/api/app/files/"+file, nil, headers...)
}

type healthAnswer struct {
	Status string
	Checks map[string]bool
}

// becomesHealth waits until health is as wanted.
func (s *serverProcess) becomesHealth(t *testing.T, status string, storage bool) {
	t.Helper()
	var h healthAnswer
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		code, body := s.do(t, "GET", "/health", nil)
		h = healthAnswer{}
		if err := json.Unmarshal(body, &h); err != nil || code != http.StatusOK {
			t.Fatalf("%d %s %v", code, body, err)
		}
		if got, told := h.Checks["supabase_storage"]; told && got == storage && h.Status == status {
			return
		}
	}
	t.Errorf("health stays %+v", h)
}

// TestFilesInSupabaseStorage has two servers, which share nothing but the
// database and the project, keep files in the project's Storage: what comes to
// one is had from the other. While Storage is away uploads and downloads say so,
// nothing is half recorded, and what could not be deleted is cleared later.
func TestFilesInSupabaseStorage(t *testing.T) {
	t.Parallel()
	one := newPostgres(t)
	s := objects.Start(t)
	settings := []string{"supabase_url: " + s.URL, "supabase_anon_key: public", "supabase_secret_key: " + s.Key, "jwt_secret_key: " + bucketSecret,
		"email_confirmed_required: false", "supabase_rest_enabled: false"}
	other := &backend{url: one.url, folder: t.TempDir(), schema: one.schema}
	here, there := one.start(t, settings...), other.start(t, settings...)
	ada, adaThere, bob := bucketPerson(t, here, s.URL, "ada"), bucketPerson(t, there, s.URL, "ada"), bucketPerson(t, there, s.URL, "bob")

	large := strings.Repeat("name\nAda\n", 50_000)
	file, small := ada.upload(t, "large.csv", large), ada.upload(t, "small.csv", "name\nAda\n")
	if status, body := adaThere.download(t, file, ""); status != http.StatusOK || string(body) != large {
		t.Errorf("%d, %d bytes", status, len(body))
	}
	if status, body := adaThere.download(t, file, "bytes=300000-300008"); status != http.StatusPartialContent || string(body) != large[300000:300009] {
		t.Errorf("a part: %d %q", status, body)
	}
	if status, body := adaThere.download(t, file, "bytes=9999999-"); status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("no part: %d %q", status, body)
	}
	if status, body := bob.download(t, file, ""); status != http.StatusNotFound {
		t.Errorf("another user: %d %q", status, body)
	}
	if status, _ := bob.send(t, "DELETE", "/files/"+file, nil); status != http.StatusNotFound {
		t.Errorf("another user deletes: %d", status)
	}
	id := adaThere.save(t, line("bucket", nil, manual(), object{"name": "Read", "type": "n8n-nodes-base.extractFromFile", "parameters": object{"operation": "csv"}}))
	var e waitingReply
	adaThere.ok(t, "POST", "/workflows/"+id+"/execute?wait=55", object{"files": object{"data": small}}, &e)
	if e.Status != "success" {
		t.Errorf("an execution with it: %+v", e)
	}
	for _, b := range []*backend{one, other} {
		if found, err := filepath.Glob(filepath.Join(b.folder, "files", "*", "*")); err != nil || len(found) > 0 {
			t.Errorf("kept on the machine: %q %v", found, err)
		}
	}

	here.becomesHealth(t, "healthy", true)
	s.Fail(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) })
	here.becomesHealth(t, "degraded", false)
	says := func(what string, status int, body []byte) {
		t.Helper()
		if status != http.StatusServiceUnavailable || !bytes.Contains(body, []byte("Supabase Storage")) {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	status, body := here.do(t, "POST", "/api/app/files?name=lost.csv", []byte("lost"), "Authorization", "Bearer "+ada.token, "Content-Type", "text/csv")
	says("upload", status, body)
	status, body = ada.download(t, file, "")
	says("download", status, body)
	ada.ok(t, "DELETE", "/files/"+file, nil, nil)
	var list struct {
		Files     []struct{ Name string }
		UsedFiles int `json:"used_files"`
	}
	ada.ok(t, "GET", "/files", nil, &list)
	if len(list.Files) != 1 || list.Files[0].Name != "small.csv" || list.UsedFiles != 1 {
		t.Errorf("known while Storage is away: %+v", list)
	}

	s.Fail(nil)
	here.becomesHealth(t, "healthy", true)
	names, public, _ := s.Names(supabase.Bucket)
	if public || !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, file) }) {
		t.Errorf("the bucket holds %q, public: %v", names, public)
	}
	for _, name := range names {
		s.Age(supabase.Bucket, name, 2*time.Hour)
	}
	flowgate(t, append([]string{"prune", "--older-than", "8760h", "--data-dir", other.folder}, other.config(t, settings...)...)...)
	if names, _, _ = s.Names(supabase.Bucket); slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, file) }) {
		t.Errorf("what could not be deleted is still there: %q", names)
	}
	if status, body := adaThere.download(t, small, ""); status != http.StatusOK || string(body) != "name\nAda\n" {
		t.Errorf("the other file: %d %q", status, body)
	}
	for _, srv := range []*serverProcess{here, there} {
		if strings.Contains(srv.log.String(), s.Key) {
			t.Error("the log holds the key")
		}
	}
}
