package app_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// gate is a socket between a gateway and its agent. It can hold back what the
// agent says, let a part of it through, and cut every connection.
type gate struct {
	lis    net.Listener
	target string
	asked  atomic.Int64 // bytes from the gateway

	mu    sync.Mutex
	moved sync.Cond
	open  bool // nothing is held back
	left  int  // bytes that still go through otherwise
	conns map[net.Conn]bool
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{lis: lis, target: target, open: true, conns: map[net.Conn]bool{}}
	g.moved.L = &g.mu
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			work.Go(func() { g.serve(c) })
		}
	})
	t.Cleanup(func() { _ = lis.Close(); g.cut(); work.Wait() })
	return g
}

func (g *gate) port() string { _, port, _ := net.SplitHostPort(g.lis.Addr().String()); return port }

func (g *gate) serve(client net.Conn) {
	defer client.Close()
	agent, err := net.Dial("tcp", g.target)
	if err != nil {
		return
	}
	defer agent.Close()
	g.mu.Lock()
	g.conns[client], g.conns[agent] = true, true
	g.mu.Unlock()
	go func() {
		_, _ = io.Copy(io.MultiWriter(agent, counter{&g.asked}), client)
		_ = agent.Close()
	}()
	buf := make([]byte, 256)
	for {
		n, err := agent.Read(buf)
		for sent := 0; sent < n; {
			may := g.take(agent, n-sent)
			if may == 0 {
				return
			}
			if _, err := client.Write(buf[sent : sent+may]); err != nil {
				return
			}
			sent += may
		}
		if err != nil {
			return
		}
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

// take waits until some of n bytes may go through and returns how many; 0 when
// the connection was cut.
func (g *gate) take(conn net.Conn, n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.open && g.left == 0 && g.conns[conn] {
		g.moved.Wait()
	}
	if !g.conns[conn] {
		return 0
	}
	if g.open {
		return n
	}
	n = min(n, g.left)
	g.left -= n
	return n
}

// hold lets n more bytes of the agent's through and holds back the rest.
func (g *gate) hold(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.left = false, n
	g.moved.Broadcast()
}

// release holds nothing back.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	g.moved.Broadcast()
}

// cut ends all connections that there are.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Close()
	}
	clear(g.conns)
	g.moved.Broadcast()
}
