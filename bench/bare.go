package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"
	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// bareCommand makes this program the server to compare with.
const bareCommand = "bare"

// bareMarker is what the bare server says before its address.
const bareMarker = "bare server on "

// serveBare serves what the libraries do by themselves: an echo tool at /mcp,
// a JSON route of Echo at /api/health, a JSON answer of net/http at /plain.
func serveBare(ctx context.Context) error {
	tools := server.NewMCPServer("bare", "1")
	tools.AddTool(protocol.NewTool("echo", protocol.WithString("text")), func(_ context.Context, r protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		return protocol.NewToolResultText(r.GetString("text", "")), nil
	})
	routes := echo.New()
	routes.GET("/api/health", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"status": "healthy", "version": "1", "timestamp": time.Now(),
			"checks": map[string]bool{"database": true, "redis": true, "grpc": true, "public_api": true, "app_api": true, "mcp_api": true}})
	})
	mux := http.NewServeMux()
	mux.Handle("/mcp", server.NewStreamableHTTPServer(tools))
	mux.Handle("/api/", routes)
	mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"greeting":"Hello Ann","twice":6}`)
	})
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	fmt.Fprintln(os.Stderr, bareMarker+lis.Addr().String())
	if err := srv.Serve(lis); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
