package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
)

// consoleFiles are the console as Vite built it from web/console/src;
// .ci/console keeps them current.
//
//go:embed all:console/dist
var consoleFiles embed.FS

// SignIn says where the console's people sign in. The zero value is the
// embedded accounts.
type SignIn struct {
	URL     string // of a Supabase project, no slash at the end
	AnonKey string // the project's public key
}

// noncePlace is where the console's page takes the mark of its own styles.
const noncePlace = "%NONCE%"

// console serves the console's page and assets. Safe for concurrent use.
type console struct {
	page   []byte
	policy string // with noncePlace
	assets fs.FS
	mu     sync.Mutex
	packed map[string][]byte // assets that were asked for, compressed
}

// consoleRoutes are the console's, which are there where the App tier is that
// it works on.
func (s *Server) consoleRoutes() error {
	if s.AppOff {
		return nil
	}
	files, err := fs.Sub(consoleFiles, "console/dist")
	if err != nil {
		return err
	}
	page, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return fmt.Errorf("the console was not built: %w", err)
	}
	connect := "'self'"
	if s.SignIn.URL != "" {
		u, err := url.Parse(s.SignIn.URL)
		if err != nil || u.Host == "" {
			return fmt.Errorf("Options.SignIn.URL: %q is no address", s.SignIn.URL)
		}
		connect += " " + u.Scheme + "://" + u.Host
	}
	c := &console{page: page, assets: files, packed: map[string][]byte{},
		policy: "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + noncePlace + "'; img-src 'self' data:; font-src 'self'; " +
			"connect-src " + connect + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
	s.echo.GET("/console", c.serve)
	s.echo.GET("/console/*", c.serve)
	s.echo.GET("/console/settings.json", s.consoleSettings)
	return nil
}

// serve answers with an asset, and with the page at all other addresses: which
// of them there are, the page knows.
func (s *console) serve(c echo.Context) error {
	name := path.Clean("/" + c.Param("*"))[1:]
	if strings.HasPrefix(name, "assets/") || name == "licenses.md" {
		return s.asset(c, name)
	}
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	mark := base64.RawURLEncoding.EncodeToString(nonce)
	h := c.Response().Header()
	h.Set("Content-Security-Policy", strings.ReplaceAll(s.policy, noncePlace, mark))
	h.Set("Cache-Control", "no-cache")
	return c.HTMLBlob(http.StatusOK, bytes.ReplaceAll(s.page, []byte(noncePlace), []byte(mark)))
}

// asset serves a file whose name changes with its content.
func (s *console) asset(c echo.Context, name string) error {
	data, err := fs.ReadFile(s.assets, name)
	if err != nil {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if !strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, no-cache")
	}
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") {
		if data, err = s.pack(name, data); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
	}
	return c.Blob(http.StatusOK, assetType(name), data)
}

func assetType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".md":
		return "text/plain; charset=utf-8"
	default:
		if kind := mime.TypeByExtension(ext); kind != "" {
			return kind
		}
		return "application/octet-stream"
	}
}

// pack compresses an asset, once.
func (s *console) pack(name string, data []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if packed := s.packed[name]; packed != nil {
		return packed, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	s.packed[name] = b.Bytes()
	return b.Bytes(), nil
}

// consoleSettings is what the console has to know before anybody signs in.
func (s *Server) consoleSettings(c echo.Context) error {
	signIn := map[string]any{"url": s.SignIn.URL, "anon_key": s.SignIn.AnonKey, "sign_up": true, "guests": false, "embedded": s.Accounts != nil}
	if s.Accounts != nil {
		signIn["sign_up"], signIn["guests"] = s.Accounts.SignUp, s.Accounts.Guests && s.Accounts.SignUp
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return writeJSON(c, http.StatusOK, map[string]any{"name": s.Name, "version": s.Version, "environment": s.Environment, "public_url": s.PublicURL,
		"mcp": !s.MCPOff, "scopes": auth.Scopes(), "sign_in": signIn})
}
