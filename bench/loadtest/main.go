// Loadtest puts a load on a Flowgate that runs somewhere, and tells how it
// bore it. Each connection sends one request after the other, or all together
// as many a second as -rate says.
//
//	go run ./bench/loadtest -url https://flow.example.org -key wfk_…             look for workflows, over MCP
//	go run ./bench/loadtest -url … -path /webhook/greet -body '{"name":"Ann"}'   run a workflow
//
// It ends with status 1 when anything but a success or a limit was answered.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

type options struct {
	url, key, path, body string
	conns                int
	rate                 float64
	during               time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		os.Exit(1)
	}
}

func parse(args []string, help io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("loadtest", flag.ContinueOnError)
	f.SetOutput(help)
	f.StringVar(&o.url, "url", "http://127.0.0.1:8000", "address of the server")
	f.StringVar(&o.key, "key", os.Getenv("FLOWGATE_API_KEY"), "API key; the environment variable FLOWGATE_API_KEY when not given")
	f.StringVar(&o.path, "path", "", "path to POST to, such as /webhook/greet; none: the tool search_workflows at /mcp")
	f.StringVar(&o.body, "body", "{}", "JSON that is sent to -path")
	f.IntVar(&o.conns, "conns", 16, "connections")
	f.Float64Var(&o.rate, "rate", 0, "requests per second of all connections; 0: as many as are answered")
	f.DurationVar(&o.during, "for", 30*time.Second, "how long")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.url = strings.TrimRight(o.url, "/"); !strings.HasPrefix(o.url, "http://") && !strings.HasPrefix(o.url, "https://") {
		return o, fmt.Errorf("-url: %q does not begin with http:// or https://", o.url)
	}
	if o.conns < 1 || o.rate < 0 || o.during <= 0 {
		return o, errors.New("-conns and -for must be more than 0, -rate not less")
	}
	return o, nil
}

// request makes what is sent, each time anew.
func (o *options) request(ctx context.Context) (*http.Request, error) {
	path, body := o.path, o.body
	if path == "" {
		path = "/mcp"
		body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_workflows","arguments":{"limit":1},"_meta":{` +
			`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"loadtest","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if o.key != "" {
		req.Header.Set("X-API-Key", o.key)
	}
	if o.path == "" {
		for name, value := range map[string]string{"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "search_workflows"} {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

// seen is what came of the requests.
type seen struct {
	mu    sync.Mutex
	times []time.Duration // of successes
	by    map[string]int  // answers by their kind
	first map[string]string
}

const (
	succeeded = "succeeded"
	limited   = "refused by a limit (429)"
)

func (s *seen) note(kind, example string, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[kind]++; kind == succeeded {
		s.times = append(s.times, took)
	} else if s.by[kind] == 1 {
		s.first[kind] = example
	}
}

func (s *seen) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.by {
		n += k
	}
	return n
}

// run loads the server and prints what came of it.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: o.conns, MaxConnsPerHost: o.conns}}
	defer client.CloseIdleConnections()
	s := &seen{by: map[string]int{}, first: map[string]string{}}
	began := time.Now()
	until := began.Add(o.during)
	var every time.Duration
	if o.rate > 0 {
		every = time.Duration(float64(o.conns) / o.rate * float64(time.Second))
	}
	var work sync.WaitGroup
	for i := range o.conns {
		due := began.Add(every * time.Duration(i) / time.Duration(o.conns))
		work.Go(func() {
			for due.Before(until) && ctx.Err() == nil {
				time.Sleep(time.Until(due))
				kind, example := once(ctx, client, &o)
				if ctx.Err() != nil {
					return
				}
				s.note(kind, example, time.Since(due))
				if due = due.Add(every); every == 0 {
					due = time.Now()
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { work.Wait(); close(ended) }()
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-tick.C:
			fmt.Fprintf(progress, "\r%3.0f s of %s, %d answers ", time.Since(began).Seconds(), o.during, s.total())
			continue
		case <-ended:
			tick.Stop()
		}
		break
	}
	fmt.Fprint(progress, "\r")
	return s.report(out, time.Since(began))
}

// once sends one request and says what came of it.
func once(ctx context.Context, client *http.Client, o *options) (kind, example string) {
	req, err := o.request(ctx)
	if err != nil {
		return "not sent", err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return "without an answer", err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "answers that broke off", err.Error()
	case resp.StatusCode == http.StatusTooManyRequests:
		return limited, string(body)
	case resp.StatusCode >= 300:
		return fmt.Sprintf("failed (%d)", resp.StatusCode), string(body)
	case o.path == "" && (bytes.Contains(body, []byte(`"isError":true`)) || bytes.Contains(body, []byte(`"error":{`))):
		return "failed in the tool", string(body)
	}
	return succeeded, ""
}

func (s *seen) report(out io.Writer, took time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.times)
	if n := len(s.times); n > 0 {
		at := func(percent int) float64 { return float64(s.times[(n-1)*percent/100].Microseconds()) / 1000 }
		fmt.Fprintf(out, "%d succeeded, %.0f/s; p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, slowest %.1f ms\n", n, float64(n)/took.Seconds(), at(50), at(90), at(99), at(100))
	}
	failed := 0
	for kind, n := range s.by {
		if kind == succeeded {
			continue
		}
		fmt.Fprintf(out, "%d %s, such as: %.300s\n", n, kind, s.first[kind])
		if kind != limited {
			failed += n
		}
	}
	switch {
	case failed > 0:
		return fmt.Errorf("%d requests failed", failed)
	case len(s.times) == 0:
		return errors.New("nothing succeeded")
	}
	return nil
}
