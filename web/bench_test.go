package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// BenchmarkHealth compares the health route with a bare route of the router
// that answers JSON.
func BenchmarkHealth(b *testing.B) {
	e := echo.New()
	e.GET("/health", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"status": "healthy", "version": "1", "timestamp": time.Now(),
			"checks": map[string]bool{"database": true, "redis": true, "grpc": true, "public_api": true, "app_api": true, "mcp_api": true}})
	})
	srv := httptest.NewServer(e)
	defer srv.Close()
	b.Run("bare", func(b *testing.B) { load(b, srv.URL+"/health") })
	w := newWorld(b, nil)
	b.Run("ours", func(b *testing.B) { load(b, w.url+"/api/public/health") })
}

func load(b *testing.B, url string) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := http.Get(url) //nolint:gosec,noctx // our own address
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 200 {
				b.Fatal(resp.Status)
			}
		}
	})
}
