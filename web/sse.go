package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// streamTimes are how streams of server-sent events behave.
type streamTimes struct {
	heartbeat time.Duration // between comments, so that nobody in between takes the stream for dead
	recheck   time.Duration // between looks at whether the caller may still listen
	write     time.Duration // for one write; a client that takes longer is cut off
}

func usualTimes() streamTimes {
	return streamTimes{heartbeat: 15 * time.Second, recheck: time.Second, write: 10 * time.Second}
}

const (
	retryAfter   = time.Second // when a client connects again that lost a stream
	streamBuffer = 16          // events on their way to a client that reads
)

// streamEvent is one server-sent event.
type streamEvent struct {
	ID   int64  // to resume behind; 0: the event has none
	Name string // "" is what EventSource gives to onmessage
	Data any    // as JSON on one line
}

// stream says how events are got and how faults are told.
type stream struct {
	// kind is what it is of, for the metrics: chat or execution.
	kind string
	// follow sends the events, in order, until they are over or ctx ends. It
	// runs on a goroutine of its own, and ctx ends when the client leaves, when
	// it may not listen any more, and when the server stops. What must outlive
	// the client is not to be done in it.
	follow func(ctx context.Context, out *eventSink) error
	// fault is the event that tells an error once the answer has begun. Nil: an
	// event with the error's body.
	fault func(err error) streamEvent
}

// eventSink takes the events of one stream. For one goroutine.
type eventSink struct {
	ctx    context.Context
	events chan []byte
}

// Send passes an event on, waiting for a client that is slow; it fails when
// the stream is over.
func (o *eventSink) Send(e streamEvent) error {
	frame, err := e.frame()
	if err != nil {
		return err
	}
	return o.put(frame)
}

// Open begins the answer although there is no event yet: from here on errors
// are events. Without it the first event does.
func (o *eventSink) Open() error { return o.put(nil) }

func (o *eventSink) put(frame []byte) error {
	select {
	case o.events <- frame:
		return nil
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
}

func (e streamEvent) frame() ([]byte, error) {
	var b bytes.Buffer
	if e.ID > 0 {
		fmt.Fprintf(&b, "id: %d\n", e.ID)
	}
	if e.Name != "" {
		fmt.Fprintf(&b, "event: %s\n", e.Name)
	}
	b.WriteString("data: ")
	start := b.Len()
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e.Data); err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	data := unescapeHTML(b.Bytes()[start:])
	return append(b.Bytes()[:start+len(data)], '\n'), nil
}

// errNotListening ends the follow function of a stream whose client is gone.
var errNotListening = errors.New("nobody listens to this stream any more")

// serveStream answers with server-sent events until st is over, the client
// leaves or is too slow, the caller may not listen any more, or the server
// stops. An error before the first event is the answer; a stream that is over
// before it has anything to say answers 204, by which EventSource clients know
// not to come back.
func (s *Server) serveStream(c echo.Context, st stream) error {
	release, err := s.Service.Hold(c.Request().Context())
	if err != nil {
		return err
	}
	defer release()
	return s.stream(c, st)
}

// stream is serveStream for who is held already.
func (s *Server) stream(c echo.Context, st stream) error {
	defer s.Metrics.Stream(st.kind)()
	ctx, cancel := context.WithCancelCause(c.Request().Context())
	defer cancel(nil)
	out := &eventSink{ctx: ctx, events: make(chan []byte, streamBuffer)}
	ended := make(chan error, 1)
	go func() { ended <- s.followSafely(ctx, st, out) }()
	w := &streamWriter{c: c, control: http.NewResponseController(c.Response()), timeout: s.times.write}
	err := s.pump(ctx, w, out, ended)
	cancel(errNotListening)
	if !w.finished {
		<-ended //nolint:errcheck // the end of the stream is known already
	}
	switch {
	case errors.Is(err, errClientGone):
		return nil
	case !w.begun && err == nil:
		return c.NoContent(http.StatusNoContent)
	case !w.begun:
		return err
	case errors.Is(err, errStreamsStop):
		_ = w.write([]byte(fmt.Sprintf("retry: %d\nevent: reconnect\ndata: {\"retry_ms\":%d}\n\n", retryAfter.Milliseconds(), retryAfter.Milliseconds())))
	case err != nil:
		s.logStreamFault(c, err)
		_ = w.send(faultEvent(c, st, err))
	}
	_ = w.flush() // to a client that may be gone
	return nil
}

func (s *Server) followSafely(ctx context.Context, st stream, out *eventSink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return st.follow(ctx, out)
}

var (
	errClientGone  = errors.New("the client left")
	errStreamsStop = workflow.Errorf(workflow.CodeUnavailable, "the server is stopping; connect again").WithReason("stopping")
)

// pump writes what comes until the stream is over.
func (s *Server) pump(ctx context.Context, w *streamWriter, out *eventSink, ended <-chan error) error {
	heartbeat, recheck := time.NewTicker(s.times.heartbeat), time.NewTicker(s.times.recheck)
	defer heartbeat.Stop()
	defer recheck.Stop()
	id := auth.FromContext(ctx)
	for {
		var err error
		select {
		case <-ctx.Done():
			return errClientGone
		case <-s.stopped:
			return errStreamsStop
		case frame := <-out.events:
			err = w.take(frame, out.events)
		case <-heartbeat.C:
			err = w.beat()
		case <-recheck.C:
			if err := s.Authenticator.Recheck(ctx, id); err != nil {
				return err
			}
		case err = <-ended:
			w.finished = true
			return errors.Join(w.drain(out.events), err)
		}
		if err != nil {
			return err
		}
	}
}

func faultEvent(c echo.Context, st stream, err error) streamEvent {
	status, err := known(err, c)
	if st.fault != nil {
		return st.fault(err)
	}
	return streamEvent{Data: map[string]any{"type": "error", "error": bodyOf(c, status, err)}}
}

func (s *Server) logStreamFault(c echo.Context, err error) {
	if status, err := known(err, c); status >= 500 {
		s.Logger.ErrorContext(c.Request().Context(), "stream failed", "request_id", requestIDOf(c), "route", c.Path(), "error", err)
	}
}

// streamWriter writes one stream. For one goroutine.
type streamWriter struct {
	c        echo.Context
	control  *http.ResponseController
	timeout  time.Duration
	begun    bool
	finished bool // the follow function has returned
}

// take writes a frame and what waits behind it in one go.
func (w *streamWriter) take(frame []byte, more <-chan []byte) error {
	if err := w.write(frame); err != nil {
		return err
	}
	if len(more) > 0 {
		return nil // the next one is flushed with it
	}
	return w.flush()
}

// drain writes what was sent before the end.
func (w *streamWriter) drain(more <-chan []byte) error {
	for len(more) > 0 {
		if err := w.write(<-more); err != nil {
			return err
		}
	}
	return nil
}

// beat keeps a stream that has begun alive, and begins one that is silent.
func (w *streamWriter) beat() error {
	if err := w.write([]byte(": still here\n\n")); err != nil {
		return err
	}
	return w.flush()
}

func (w *streamWriter) send(e streamEvent) error {
	frame, err := e.frame()
	if err != nil {
		return err
	}
	return w.write(frame)
}

// write gives data its time, however long the stream lasts.
func (w *streamWriter) write(data []byte) error {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // not every writer has deadlines; those of connections do
	if !w.begun {
		w.begin()
	}
	if _, err := w.c.Response().Write(data); err != nil {
		return errClientGone
	}
	return nil
}

func (w *streamWriter) begin() {
	w.begun = true
	h := w.c.Response().Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Connection", "keep-alive")
	h.Set("X-Accel-Buffering", "no")
	w.c.Response().WriteHeader(http.StatusOK)
	_, _ = fmt.Fprintf(w.c.Response(), "retry: %d\n\n", retryAfter.Milliseconds()) // a failure shows at the next write
}

func (w *streamWriter) flush() error {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout))
	if err := w.control.Flush(); err != nil {
		return errClientGone
	}
	return nil
}

// resumeAfter is the id of the last event the client has: Last-Event-ID, as
// EventSource sends when it connects again, or else ?after=. 0 is none.
func resumeAfter(c echo.Context) (int64, error) {
	name, text := "Last-Event-ID", c.Request().Header.Get("Last-Event-ID")
	if text == "" {
		name, text = "after", c.QueryParam("after")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fault(name, "must be the id of an event, a whole number of 0 or more")
	}
	return n, nil
}
