package mcp

import (
	"bytes"
	"errors"
	protocol "github.com/mark3labs/mcp-go/mcp"
	"io"
	"mime"
	"net/http"

	"flowgate/internal/workflow"
)

// readMessage reads and parses the body of a POST; when it returns false it
// has answered.
func (s *Server) readMessage(w http.ResponseWriter, r *http.Request) ([]byte, *envelope, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		writeRPCError(w, http.StatusUnsupportedMediaType, nil, &rpcError{Code: protocol.INVALID_REQUEST, Message: "Content-Type must be application/json"})
		return nil, nil, false
	}
	body, err := s.readBody(r)
	if err != nil {
		s.refuse(w, nil, err)
		return nil, nil, false
	}
	m, fault := parseEnvelope(body)
	if fault != nil {
		writeRPCError(w, http.StatusBadRequest, m.ID, fault)
		return nil, nil, false
	}
	return body, m, true
}

func (s *Server) readBody(r *http.Request) ([]byte, error) {
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, s.MaxBody+1))
	var tooLarge *http.MaxBytesError
	switch {
	case n > s.MaxBody, errors.As(err, &tooLarge):
		return nil, s.tooLarge(r.Body, -1)
	case err != nil:
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "the message could not be read to its end")
	}
	return buf.Bytes(), nil
}

// maxDrain is how much of a body that is refused is read all the same: a
// client that still sends when the connection closes never sees the answer.
const maxDrain = 64 << 20

// tooLarge reads the rest of a refused body and returns the refusal.
func (s *Server) tooLarge(body io.Reader, length int64) error {
	if length <= maxDrain {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDrain)) // for the client's sake only
	}
	err := workflow.Errorf(workflow.CodeTooLarge, "the message is larger than %d bytes", s.MaxBody)
	err.Details = map[string]any{"limit_bytes": s.MaxBody}
	return err
}
