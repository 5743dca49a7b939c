package web

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/workflow"
)

const (
	// maxDrain is how much of a refused body is read all the same: a client
	// that still sends when the connection closes never sees the answer.
	maxDrain = 64 << 20
	// leastRate is how many bytes of an upload have to come in a second, taken
	// over the whole of it.
	leastRate = 16 << 10
	// formOverhead is what a form may add to the file in it.
	formOverhead = 64 << 10
)

// limits bounds a request's body in size and time, and the sending of its
// answer. The MCP endpoint bounds the size of its bodies itself.
func (s *Server) limits(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		control := http.NewResponseController(c.Response().Writer)
		c.Response().Writer = newPacedWriter(c.Response().Writer, s.WriteTimeout)
		// The previous request on the connection left its deadline. Not every
		// writer has deadlines; those of real connections do.
		_ = control.SetWriteDeadline(time.Time{})
		defer func() { _ = control.SetWriteDeadline(time.Now().Add(s.WriteTimeout)) }()
		if r.ContentLength == 0 {
			return next(c)
		}
		_ = control.SetReadDeadline(time.Now().Add(s.BodyTimeout))
		body := &limitedBody{ReadCloser: r.Body, left: s.maxBody(r), atEnd: func() {
			// Without this the connection's watch for a leaving client would
			// run into the deadline and cancel the request.
			_ = control.SetReadDeadline(time.Time{})
		}}
		if isUpload(r) { // it may take its time as long as it moves, and not too slowly
			began := time.Now()
			body.moves = func(received int64) {
				_ = control.SetReadDeadline(uploadDeadline(began, time.Now(), received, s.BodyTimeout))
			}
		}
		r.Body = body
		if r.ContentLength > body.left {
			body.tooLarge = true
			return errBodyTooLarge(body.left)
		}
		body.limit = body.left
		return next(c)
	}
}

// uploadDeadline is when more of an upload has to have come. It moves with each
// byte, but never beyond what the least rate allows for what was received.
func uploadDeadline(began, now time.Time, received int64, pause time.Duration) time.Time {
	next := now.Add(pause)
	last := began.Add(pause + time.Duration(received/leastRate)*time.Second)
	if last.Before(next) {
		return last
	}
	return next
}

func (s *Server) maxBody(r *http.Request) int64 {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/webhook"), strings.HasPrefix(path, "/form"):
		return s.MaxWebhookBody
	case isUpload(r):
		return s.MaxFile + formOverhead
	case path == "/mcp":
		return 1 << 62
	}
	return s.MaxBody
}

// isUpload reports whether a request's body is a file.
func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/api/app/files" || r.URL.Path == "/api/v1/app/files")
}

// limitedBody is a body that fails when it turns out too large.
type limitedBody struct {
	io.ReadCloser
	limit, left int64
	tooLarge    bool
	atEnd       func()
	received    int64
	moves       func(received int64) // called when more has come; may be nil
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.tooLarge {
		return 0, errBodyTooLarge(b.limit)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		b.atEnd()
	case b.moves != nil && n > 0:
		b.moves(b.received)
	}
	if b.left -= int64(n); b.left < 0 {
		b.tooLarge = true
		return 0, errBodyTooLarge(b.limit)
	}
	return n, err
}

// drain reads what is left of a body that was refused, within reason, so
// that the client gets to see why.
func drain(r *http.Request) {
	b, ok := r.Body.(*limitedBody)
	if !ok || !b.tooLarge || r.ContentLength > maxDrain {
		return
	}
	_, err := io.Copy(io.Discard, io.LimitReader(b.ReadCloser, maxDrain))
	if err == nil {
		b.atEnd()
	}
}

func errBodyTooLarge(limit int64) error {
	err := workflow.Errorf(workflow.CodeTooLarge, "the request body is larger than %d bytes", limit)
	err.Details = map[string]any{"limit_bytes": limit}
	return err
}
