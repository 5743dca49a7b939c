package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// docFiles are the pages at /docs and /redoc with all they need, so that they
// work without the internet; the large ones are compressed.
//
//go:embed docs/*.html docs/*.js docs/*.gz docs/*.png docs/LICENSES.txt
var docFiles embed.FS

// docsPolicy lets the documentation run its own scripts and call this server,
// and nothing else. Both pages make style elements of their own.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docRoutes are the API's description, and the pages that show it.
func (s *Server) docRoutes() {
	s.echo.GET("/openapi.json", s.serveOpenAPI)
	s.echo.GET("/docs", docPage("docs.html"))
	s.echo.GET("/redoc", docPage("redoc.html"))
	s.echo.GET("/docs/assets/:name", docAsset)
	if s.PublicOff {
		return
	}
	for _, prefix := range []string{"/api/public", "/api/v1/public"} {
		s.echo.GET(prefix+"/docs", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/docs") })
	}
}

func docPage(name string) echo.HandlerFunc {
	return func(c echo.Context) error {
		data, err := docFiles.ReadFile("docs/" + name)
		if err != nil {
			return err
		}
		h := c.Response().Header()
		h.Set("Content-Security-Policy", docsPolicy)
		h.Set("Cache-Control", "no-cache")
		return c.HTMLBlob(http.StatusOK, data)
	}
}

// docAsset serves a script, compressed where the client takes that.
func docAsset(c echo.Context) error {
	name := path.Base(c.Param("name"))
	kind := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png", ".txt": "text/plain; charset=utf-8"}[path.Ext(name)]
	if kind == "" {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	data, err := fs.ReadFile(docFiles, "docs/"+name)
	if err != nil {
		if data, err = fs.ReadFile(docFiles, "docs/"+name+".gz"); err != nil {
			return echo.ErrNotFound
		}
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
		} else if data, err = unpacked(data); err != nil {
			return err
		}
	}
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, no-cache") // an update shows at once
	h.Set("ETag", strconv.Quote(fmt.Sprintf("%x", sha256.Sum256(data))[:16]))
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(data))
	return nil
}

func unpacked(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
