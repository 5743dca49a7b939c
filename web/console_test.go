package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func browse(w *world, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func TestRootByCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := browse(w, "/", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if page.Code != http.StatusFound || page.Header().Get("Location") != "/console/" || !strings.Contains(strings.Join(page.Header().Values("Vary"), ","), "Accept") {
		t.Errorf("a browser is sent to %q with %d", page.Header().Get("Location"), page.Code)
	}
	if data := browse(w, "/", "Accept", "*/*"); data.Code != http.StatusOK || !strings.Contains(data.Body.String(), `"version"`) {
		t.Errorf("a program gets %d %s", data.Code, data.Body)
	}
}

var scriptTag = regexp.MustCompile(`<script([^>]*)>([^<]*)`)

// TestConsolePage looks at what a browser is told: nothing inline, nothing of
// other hosts, a mark of its own for each page.
func TestConsolePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	seen := map[string]bool{}
	for _, at := range []string{"/console", "/console/", "/console/workflows/some-id?run=x", "/console/../console/keys"} {
		r := browse(w, at)
		policy := r.Header().Get("Content-Security-Policy")
		nonce := regexp.MustCompile(`style-src 'self' 'nonce-([A-Za-z0-9_-]{22})'`).FindStringSubmatch(policy)
		if r.Code != http.StatusOK || nonce == nil || seen[nonce[1]] {
			t.Fatalf("%s: %d, %s", at, r.Code, policy)
		}
		seen[nonce[1]] = true
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part+";") && !strings.HasSuffix(policy, part) {
				t.Errorf("%s: the policy lacks %s", at, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy is wide: %s", at, policy)
		}
		body := r.Body.String()
		if !strings.Contains(body, `nonce="`+nonce[1]+`"`) || strings.Contains(body, noncePlace) {
			t.Errorf("%s: the page lacks the mark", at)
		}
		for _, tag := range scriptTag.FindAllStringSubmatch(body, -1) {
			if !strings.Contains(tag[1], `src="/console/assets/`) || tag[2] != "" {
				t.Errorf("%s: a script inline: %s", at, tag[0])
			}
		}
	}
}

// TestConsoleAssets has each asset served for ever, compressed for those who
// take that, and counts what the first page loads.
func TestConsoleAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := browse(w, "/console/").Body.String()
	first, assets := 0, 0
	err := fs.WalkDir(consoleFiles, "console/dist/assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		assets++
		want, err := fs.ReadFile(consoleFiles, name)
		if err != nil {
			return err
		}
		at := "/console/assets/" + path.Base(name)
		plain, packed := browse(w, at), browse(w, at, "Accept-Encoding", "br, gzip")
		if plain.Code != http.StatusOK || !bytes.Equal(plain.Body.Bytes(), want) || !strings.Contains(plain.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %s", at, plain.Code, plain.Header().Get("Cache-Control"))
		}
		z, err := gzip.NewReader(bytes.NewReader(packed.Body.Bytes()))
		if err != nil || packed.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %v", at, err)
		}
		size := packed.Body.Len()
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: compressed it is something else (%v)", at, err)
		}
		if strings.HasSuffix(name, ".js") {
			if kind := plain.Header().Get("Content-Type"); kind != "text/javascript; charset=utf-8" {
				t.Errorf("%s is served as %s", at, kind)
			}
			if strings.Contains(page, at) {
				first += size
			}
		}
		return nil
	})
	if err != nil || assets < 5 || first == 0 {
		t.Fatalf("%d assets, %d bytes at first, %v", assets, first, err)
	}
	if budget := 350 << 10; first > budget {
		t.Errorf("the first page loads %d bytes of script, more than %d", first, budget)
	}
	t.Logf("%d KiB of script at first", first>>10)
	for _, none := range []string{"/console/assets/none.js", "/console/assets/", "/console/assets/../index.html.gz"} {
		if r := browse(w, none); r.Code == http.StatusOK && !strings.Contains(r.Header().Get("Content-Type"), "text/html") || none == "/console/assets/none.js" && r.Code != http.StatusNotFound {
			t.Errorf("%s: %d", none, r.Code)
		}
	}
}

func TestConsoleSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	body := browse(w, "/console/settings.json").Body.String()
	if !strings.Contains(body, `"sign_in":{`) || !strings.Contains(body, `"workflows:read"`) {
		t.Error(body)
	}
	there := newWorld(t, func(o *Options) {
		o.Accounts, o.SignIn = nil, SignIn{URL: "https://abc.supabase.co", AnonKey: "public-key"}
	})
	if body := browse(there, "/console/settings.json").Body.String(); !strings.Contains(body, `"url":"https://abc.supabase.co"`) || !strings.Contains(body, `"anon_key":"public-key"`) {
		t.Error(body)
	}
	if policy := browse(there, "/console/").Header().Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self' https://abc.supabase.co;") {
		t.Error(policy)
	}
	off := newWorld(t, func(o *Options) { o.AppOff = true })
	for _, at := range []string{"/console/", "/console/settings.json"} {
		if r := browse(off, at, "Accept", "text/html"); r.Code != http.StatusNotFound {
			t.Errorf("without the App tier %s answers %d", at, r.Code)
		}
	}
	if r := browse(off, "/", "Accept", "text/html"); r.Code != http.StatusOK {
		t.Errorf("without the App tier the root answers %d", r.Code)
	}
}
