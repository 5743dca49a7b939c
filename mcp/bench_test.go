package mcp

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"context"
)

// BenchmarkCall compares a tool call through the whole door (key, session,
// scope, one store read) with a bare server of the library with one echo tool.
func BenchmarkCall(b *testing.B) {
	bare := server.NewMCPServer("bare", "1")
	bare.AddTool(protocol.NewTool("echo", protocol.WithString("text")), func(_ context.Context, r protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		return protocol.NewToolResultText(r.GetString("text", "")), nil
	})
	srv := httptest.NewServer(server.NewStreamableHTTPServer(bare))
	defer srv.Close()
	b.Run("bare", func(b *testing.B) { load(b, srv.URL, "", "echo", `{"text":"hello"}`) })

	w := newWorld(b, nil)
	key, id := w.key(b, owner, "tools:execute"), w.workflow(b)
	b.Run("get_workflow", func(b *testing.B) { load(b, w.url, key, "get_workflow", `{"workflow_id":"`+id+`"}`) })
	b.Run("get_node_types", func(b *testing.B) { load(b, w.url, key, "get_node_types", `{}`) })
	b.Run("refused_arguments", func(b *testing.B) { load(b, w.url, key, "get_workflow", `{"x":1}`) })
}

func load(b *testing.B, url, key, tool, args string) {
	do := func(body, session string) *http.Response {
		req, err := http.NewRequest("POST", url, bytes.NewReader([]byte(body)))
		if err != nil {
			b.Fatal(err)
		}
		req.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "X-Api-Key": {key}, "Mcp-Session-Id": {session}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		return resp
	}
	resp := do(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, "")
	resp.Body.Close()
	session := resp.Header.Get("Mcp-Session-Id")
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + args + `}}`
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp := do(body, session)
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 200 {
				b.Fatal(resp.Status)
			}
		}
	})
}
