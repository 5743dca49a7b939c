package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"flowgate/store"
)

func (w *world) other(t testing.TB) string {
	return "Bearer " + w.user(t, "0198a000-0000-7000-8000-000000000002", time.Hour)
}

// upload keeps content under a name and returns its id.
func (w *world) upload(t testing.TB, name, content string) string {
	t.Helper()
	r := w.app(t, "POST", "/api/app/files?name="+name, content, "Content-Type", "application/octet-stream")
	if r.status != 201 {
		t.Fatalf("upload: %d %s", r.status, r.body)
	}
	id, _ := r.json["file_id"].(string)
	return id
}

func TestFilesComeBackAsTheyWere(t *testing.T) {
	w := newWorld(t, nil)
	content := "\x89PNG\r\n\x1a\n" + strings.Repeat("0123456789", 100)
	sum := sha256.Sum256([]byte(content))
	r := w.app(t, "POST", "/api/app/files?name=../../Bild%20%22%C3%BC%22.exe", content, "Content-Type", "text/html",
		"Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	if r.status != 201 || r.json["name"] != `Bild "ü".exe` || r.json["mime_type"] != "image/png" || r.json["sha256"] != hex.EncodeToString(sum[:]) || r.json["size"] != 1008.0 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	at := r.header.Get("Location")
	r = w.app(t, "GET", at, "")
	if r.status != 200 || r.body != content {
		t.Fatalf("%d, %d bytes", r.status, len(r.body))
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
		"Content-Disposition": `attachment; filename="Bild ___.exe"; filename*=UTF-8''Bild%20%22%C3%BC%22.exe`,
		"Repr-Digest":         "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":", "Accept-Ranges": "bytes",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	tag := r.header.Get("ETag")
	for _, c := range []struct {
		header, value string
		status        int
		body          string
	}{
		{"Range", "bytes=8-11", 206, "0123"}, {"Range", "bytes=-3", 206, "789"}, {"Range", "bytes=5000-", 416, ""},
		{"If-None-Match", tag, 304, ""}, {"If-None-Match", `"other"`, 200, content},
	} {
		if r := w.app(t, "GET", at, "", c.header, c.value); r.status != c.status || c.status != 416 && r.body != c.body {
			t.Errorf("%s: %s: %d %q", c.header, c.value, r.status, r.body)
		}
	}
	if r := w.app(t, "HEAD", at, ""); r.status != 200 || r.body != "" || r.header.Get("Content-Length") != "1008" {
		t.Errorf("HEAD: %d %v", r.status, r.header)
	}
	if r := w.app(t, "GET", strings.Replace(at, "/api/app", "/api/v1/app", 1), ""); r.body != content {
		t.Errorf("by the alias: %d", r.status)
	}
}

func TestFormUpload(t *testing.T) {
	w := newWorld(t, nil)
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("note", "passed over")
	part, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="rows.csv"`}, "Content-Type": {"text/csv"}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("a,b\n1,2\n"))
	_ = m.Close()
	r := w.app(t, "POST", "/api/app/files", form.String(), "Content-Type", m.FormDataContentType())
	if r.status != 201 || r.json["name"] != "rows.csv" || r.json["size"] != 8.0 || !strings.HasPrefix(r.json["mime_type"].(string), "text/") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestBadUploads(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Service.Files.MaxBytes, o.MaxFile = 1000, 1000
		o.Service.Files.Quota.Bytes, o.Service.Files.Quota.Count = 1500, 3
	})
	big := strings.Repeat("x", 1001)
	for name, c := range map[string]struct {
		body, kind, more, value string
		status                  int
		reason                  string
	}{
		"too large":          {big, "text/plain", "", "", 413, "file_too_large"},
		"far too large":      {strings.Repeat("x", 200_000), "text/plain", "", "", 413, "too_large"},
		"no form":            {"--x\r\n", "multipart/form-data; boundary=x", "", "", 400, "invalid_argument"},
		"no boundary":        {"x", "multipart/form-data", "", "", 400, "invalid_argument"},
		"no file":            {"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n", "multipart/form-data; boundary=x", "", "", 400, "invalid_argument"},
		"cut off":            {"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\n1", "multipart/form-data; boundary=x", "", "", 400, "invalid_argument"},
		"no type":            {"x", "nonsense/", "", "", 415, "unsupported_media_type"},
		"another checksum":   {"x", "text/plain", "Content-Digest", "sha-256=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":", 400, "checksum_mismatch"},
		"no checksum at all": {"x", "text/plain", "Content-Digest", "sha-256=:AA:", 400, "invalid_argument"},
	} {
		headers := []string{"Content-Type", c.kind}
		if c.more != "" {
			headers = append(headers, c.more, c.value)
		}
		if r := w.app(t, "POST", "/api/app/files", c.body, headers...); r.status != c.status || r.json["error"] != c.reason {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := w.app(t, "GET", "/api/app/files", ""); r.json["used_files"] != 0.0 {
		t.Errorf("something was kept: %s", r.body)
	}
	if r := w.app(t, "POST", "/api/app/files?nonsense=1", "x", "Content-Type", "text/plain"); r.status != 400 || !contains(r.body, `"field":"nonsense"`) {
		t.Errorf("unknown parameter: %d %s", r.status, r.body)
	}
	w.upload(t, "a", big[:1000])
	if r := w.app(t, "POST", "/api/app/files", big[:600], "Content-Type", "text/plain"); r.status != 413 || r.json["error"] != "quota_exceeded" {
		t.Errorf("no room: %d %s", r.status, r.body)
	}
	w.upload(t, "b", "1")
	last := w.upload(t, "c", "1")
	if r := w.app(t, "POST", "/api/app/files", "1", "Content-Type", "text/plain"); r.status != 413 || r.json["error"] != "quota_exceeded" {
		t.Errorf("too many: %d %s", r.status, r.body)
	}
	if r := w.app(t, "DELETE", "/api/app/files/"+last, ""); r.status != 200 {
		t.Fatalf("delete: %d %s", r.status, r.body)
	}
	w.upload(t, "d", "1")
}

func TestFilesAreListed(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"one.txt", "two.txt", "three.csv"} {
		w.upload(t, name, name)
	}
	if r := w.app(t, "GET", "/api/app/files?query=TXT", ""); r.status != 200 || len(r.json["files"].([]any)) != 2 || r.json["used_files"] != 3.0 {
		t.Errorf("%d %s", r.status, r.body)
	}
	r := w.app(t, "GET", "/api/app/files?limit=2", "")
	next, _ := r.json["next_cursor"].(string)
	if r = w.app(t, "GET", "/api/app/files?limit=2&cursor="+next, ""); len(r.json["files"].([]any)) != 1 {
		t.Errorf("second page: %s", r.body)
	}
}

func TestFilesOfOthersAreNotThere(t *testing.T) {
	w := newWorld(t, nil)
	id := w.upload(t, "mine", "secret")
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		theirs := w.send(t, method, "/api/app/files/"+id, "", "Authorization", w.other(t))
		none := w.send(t, method, "/api/app/files/"+strings.Repeat("0", len(id)), "", "Authorization", w.other(t))
		if theirs.status != 404 || none.status != 404 {
			t.Errorf("%s: %d, and of one that is not there %d", method, theirs.status, none.status)
		}
	}
	if r := w.app(t, "GET", "/api/app/files/"+id, ""); r.body != "secret" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestPagesAreNotServedAsPages(t *testing.T) {
	w := newWorld(t, nil)
	for name, content := range map[string]string{"a.html": "<!DOCTYPE html><script>alert(1)</script>", "b.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`, "c.js": "alert(1)"} {
		r := w.app(t, "GET", "/api/app/files/"+w.upload(t, name, content), "")
		kind := r.header.Get("Content-Type")
		if kind != "application/octet-stream" && kind != "text/plain; charset=utf-8" || !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %s, %s", name, kind, r.header.Get("Content-Disposition"))
		}
	}
	if got := attachment("a\";\r\nX: y\\%41.txt"); strings.ContainsAny(got, "\r\n\\") || http.CanonicalHeaderKey("x") != "X" {
		t.Errorf("%q", got)
	}
}

func TestFilesGoIntoExecutions(t *testing.T) {
	w := newWorld(t, nil)
	path := "/api/app/workflows/" + w.workflow(t) + "/execute"
	file := w.upload(t, "in.csv", "a,b\n")
	r := w.app(t, "POST", path, `{"inputs":{"x":1},"files":{"data":"`+file+`"}}`)
	if r.status != 202 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	e, err := w.store.Execution(t.Context(), owner, r.json["execution_id"].(string))
	if err != nil || len(e.Start.Items) != 1 || e.Start.Items[0].Binary["data"].ID != file || e.Start.Items[0].Binary["data"].FileName != "in.csv" {
		t.Errorf("%+v, %v", e, err)
	}
	if r := w.app(t, "POST", path, `{"files":{"data":"none"}}`); r.status != 400 || !contains(r.body, `"field":"files.data"`) {
		t.Errorf("none: %d %s", r.status, r.body)
	}
}

// announcing tells of each content that begins to come in.
type announcing struct {
	store.Contents
	begun chan<- struct{}
}

func (a announcing) Write(ctx context.Context, id string, r io.Reader, most int64) (store.Written, error) {
	a.begun <- struct{}{}
	return a.Contents.Write(ctx, id, r, most)
}

// TestUploadsAtOnce keeps uploads open: what they may come to counts against
// the quota, and one owner has no more than some.
func TestUploadsAtOnce(t *testing.T) {
	begun := make(chan struct{}, 100)
	w := newWorld(t, func(o *Options) {
		o.Service.Files.Quota.Bytes = 10_000
		o.Service.Files.Contents = announcing{o.Service.Files.Contents, begun}
	})
	open := func(size int) (finish func() string) {
		t.Helper()
		content, send := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/api/app/files?name=a", content)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = int64(size)
		r.Header.Set("Authorization", "Bearer "+w.token)
		done := make(chan string, 1)
		go func() {
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				done <- err.Error()
				return
			}
			_ = res.Body.Close()
			done <- res.Status
		}()
		if _, err := send.Write(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		<-begun
		return func() string {
			_, _ = send.Write(make([]byte, size-1))
			_ = send.Close()
			return <-done
		}
	}
	refused := func(size int) bool {
		r := w.app(t, "POST", "/api/app/files?name=b", strings.Repeat("x", size), "Content-Type", "text/plain")
		return r.status == 429 && r.json["error"] == "uploads_under_way" && r.header.Get("Retry-After") != ""
	}
	ends := []func() string{open(9000)}
	if !refused(1001) {
		t.Error("there is no room")
	}
	for range 7 {
		ends = append(ends, open(10))
	}
	if !refused(1) {
		t.Error("there is no place")
	}
	for _, end := range ends {
		if got := end(); got != "201 Created" {
			t.Error(got)
		}
	}
	w.upload(t, "c", "1")
	if r := w.app(t, "GET", "/api/app/files", ""); r.json["used_bytes"].(float64) < 9071 {
		t.Errorf("%s", r.body)
	}
}
