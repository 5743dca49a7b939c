package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// target is one prepared request to one server. It is sent as it stands over
// kept connections: a client as lean as possible, since it shares the cores
// with what it measures.
type target struct {
	addr    string
	request []byte
	expect  string // the answer's body holds this; "" accepts any
	// every is the time between two requests of a connection, which are timed
	// from when they are due; 0: each follows the last.
	every time.Duration
}

// newTarget prepares a request; headers are name, value pairs.
func newTarget(addr, method, path, body, expect string, headers ...string) target {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, addr)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if method != http.MethodGet {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return target{addr: addr, request: b.Bytes(), expect: expect}
}

// sample is what one side did in one round.
type sample struct {
	requests  int
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, per request
}

// drive sends the request over conns connections, one after the other on
// each, until d has passed.
func drive(ctx context.Context, t target, conns int, d time.Duration) (sample, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var work sync.WaitGroup
	began := time.Now()
	until := began.Add(d)
	for i := range conns {
		first := began.Add(t.every * time.Duration(i) / time.Duration(conns))
		work.Go(func() {
			times, err := driveOne(ctx, t, first, until)
			mu.Lock()
			defer mu.Unlock()
			all, failed = append(all, times...), errors.Join(failed, err)
		})
	}
	work.Wait()
	took := time.Since(began)
	if failed != nil || len(all) == 0 {
		return sample{}, fmt.Errorf("load on %s: %d answers: %w", t.addr, len(all), failed)
	}
	slices.Sort(all)
	return sample{requests: len(all), perSecond: float64(len(all)) / took.Seconds(),
		p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

func driveOne(ctx context.Context, t target, first, until time.Time) (times []time.Duration, err error) {
	c, err := dial(ctx, t.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for due := first; due.Before(until) && ctx.Err() == nil; {
		time.Sleep(time.Until(due))
		body, err := c.do(t.request)
		if err != nil {
			return times, err
		}
		if t.expect != "" && !bytes.Contains(body, []byte(t.expect)) {
			return times, fmt.Errorf("answered %.300q, expected it to hold %q", body, t.expect)
		}
		end := time.Now()
		times = append(times, end.Sub(due))
		if due = due.Add(t.every); t.every == 0 {
			due = end
		}
	}
	return times, ctx.Err()
}

// client is one kept connection.
type client struct {
	net.Conn
	in   *bufio.Reader
	body bytes.Buffer
}

func dial(ctx context.Context, addr string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{Conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// do sends a prepared request and returns the body of its answer, which is
// valid until the next call. Any status but 200 is an error.
func (c *client) do(request []byte) ([]byte, error) {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	status, length, err := c.head()
	if err != nil {
		return nil, err
	}
	c.body.Reset()
	if length < 0 {
		err = c.chunks()
	} else {
		_, err = io.CopyN(&c.body, c.in, length)
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %.300s", status, c.body.Bytes())
	}
	return c.body.Bytes(), err
}

// head reads status line and headers; length is -1 for a body in chunks.
func (c *client) head() (status int, length int64, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, 0, fmt.Errorf("no status line: %q %w", line, err)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			return status, length, nil
		}
		switch line[0] {
		case 'C', 'c', 'T', 't':
			name, value, _ := strings.Cut(string(line), ":")
			switch {
			case strings.EqualFold(name, "Content-Length"):
				if length, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64); err != nil {
					return 0, 0, err
				}
			case strings.EqualFold(name, "Transfer-Encoding"):
				length = -1
			}
		}
	}
}

func (c *client) chunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(&c.body, c.in, n); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil || n == 0 {
			return err
		}
	}
}
