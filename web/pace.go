package web

import (
	"net/http"
	"time"
)

// piece is how much of an answer gets a time of its own.
const piece = 64 << 10

// pacedWriter gives each piece of an answer its time, so that a client which
// does not read, or only now and then a byte, holds nothing for long. Who sets
// write deadlines through it, as streams do, has them as set.
type pacedWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration // for one piece

	own    bool          // somebody else sets the deadlines
	sent   int64         // bytes
	waited time.Duration // for the client to take them
}

func newPacedWriter(w http.ResponseWriter, patience time.Duration) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), patience: patience}
}

// Write sends p in pieces.
func (w *pacedWriter) Write(p []byte) (n int, err error) {
	if w.own {
		return w.ResponseWriter.Write(p)
	}
	for {
		part := p[n:min(len(p), n+piece)]
		began := time.Now()
		_ = w.control.SetWriteDeadline(began.Add(w.allowed())) // not every writer has deadlines; those of connections do
		m, err := w.ResponseWriter.Write(part)
		w.waited += time.Since(began)
		w.sent += int64(m)
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// allowed is how long the next piece may take: a pause, as long as the client
// has taken the rest no slower than leastRate.
func (w *pacedWriter) allowed() time.Duration {
	return min(w.patience, w.patience+time.Duration(w.sent/leastRate)*time.Second-w.waited)
}

// FlushError sends what is buffered.
func (w *pacedWriter) FlushError() error {
	if !w.own {
		_ = w.control.SetWriteDeadline(time.Now().Add(w.allowed()))
	}
	return w.control.Flush()
}

// SetWriteDeadline leaves deadlines to the caller from now on.
func (w *pacedWriter) SetWriteDeadline(t time.Time) error {
	w.own = true
	return w.control.SetWriteDeadline(t)
}

// Unwrap lets http.ResponseController find the rest.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
