package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
)

// TestReadLink takes links apart that were handed on with more behind them.
func TestReadLink(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]link{
		"/webhook-waiting/e1?signature=ab12":              {"e1", "ab12", "", ""},
		"/webhook-waiting/e1?signature=ab12&a=1":          {"e1", "ab12", "", "a=1"},
		"/webhook-waiting/e1?a=1&signature=ab12&b=2":      {"e1", "ab12", "", "a=1&b=2"},
		"/webhook-waiting/e1?signature=ab12?ok=1":         {"e1", "ab12", "", "ok=1"},
		"/webhook-waiting/e1?signature=ab12/step%20two":   {"e1", "ab12", "step two", ""},
		"/webhook-waiting/e1?signature=ab12/step?ok=1":    {"e1", "ab12", "step", "ok=1"},
		"/webhook-waiting/e1/step?signature=ab12":         {"e1", "ab12", "step", ""},
		"/webhook-waiting/e1":                             {"e1", "", "", ""},
		"/webhook-waiting/e1?signature=ab&signature=cd":   {"e1", "ab", "", "signature=cd"},
		"/webhook-waiting/e1?signature=%zz&a=1":           {"e1", "", "", "a=1"},
		"/webhook-waiting/e1/a/b?signature=ab12&c=%2F%3F": {"e1", "ab12", "a/b", "c=%2F%3F"},
	} {
		e := echo.New()
		var got link
		for _, path := range []string{waitingPrefix + ":execution_id", waitingPrefix + ":execution_id/*"} {
			e.GET(path, func(c echo.Context) error { got = readLink(c); return nil })
		}
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		if got != want {
			t.Errorf("%s: %+v, want %+v", target, got, want)
		}
	}
}

// TestLinksAreSigned has nothing to show where nothing signs.
func TestLinksAreSigned(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/webhook-waiting/x?signature=ab", "/form-waiting/x"} {
		r := w.send(t, "GET", path, "", "Accept", "text/html")
		if r.status != 403 || r.header.Get("Content-Type") != "text/html; charset=UTF-8" {
			t.Errorf("%s: %d %v %s", path, r.status, r.header, r.body)
		}
		if r := w.send(t, "POST", path, "{}"); r.status != 403 || r.json["error"] == nil {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// TestFormLeavesNoFiles sends a file that is too large for memory.
func TestFormLeavesNoFiles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("report", "r.bin")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(make([]byte, 48<<20))
	_ = m.Close()
	r := httptest.NewRequest(http.MethodPost, "/form/x", &form)
	r.Header.Set("Content-Type", m.FormDataContentType())
	o, err := readAnswer(echo.New().NewContext(r, httptest.NewRecorder()), &service.Waiting{Kind: "form", Fields: []service.FormField{{Name: "report", Type: "file"}}})
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := o.Get("report"); len(v.([]any)) != 1 {
		t.Errorf("%d files", len(v.([]any)))
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
