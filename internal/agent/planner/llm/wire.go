package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tmaxmax/go-sse"
)

// The providers' own libraries make up a third of the program and most of the
// time of its first build, for one request each. What is said here is all that
// is needed of them: a POST whose answer comes as server-sent events.

const (
	maxRefusal = 64 << 10 // bytes that are read of an answer which is a refusal
	maxPiece   = 2 << 20  // bytes of one event
)

// wire is one provider's address for calls of a model.
type wire struct {
	client *http.Client
	url    string
	header http.Header
}

// refusal is how both providers say that something went wrong: in an answer's
// body, or in an event amid it.
type refusal struct {
	Error *struct {
		Type string `json:"type"`
		Code any    `json:"code"` // text; a number with some servers, null for none
	} `json:"error"`
}

func (r refusal) code() string {
	if r.Error == nil {
		return ""
	}
	code, _ := r.Error.Code.(string)
	return strings.TrimSpace(code + " " + r.Error.Type)
}

// stream sends body as JSON and hands over the data of each event of the
// answer, until take has had enough (io.EOF) or the answer ends. A refusal is
// a *fault, as is a connection that breaks.
func (w *wire) stream(ctx context.Context, body any, take func(data string) error) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write a request to a model: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("write a request to a model: %w", err)
	}
	req.Header = w.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("User-Agent", "flowgate")
	resp, err := w.client.Do(req)
	if err != nil {
		return transportFault(err)
	}
	defer func() { _ = resp.Body.Close() }() // all that was wanted was read
	if resp.StatusCode != http.StatusOK {
		return refused(resp)
	}
	for event, err := range sse.Read(resp.Body, &sse.ReadConfig{MaxEventSize: maxPiece}) {
		if err != nil {
			return transportFault(err)
		}
		var r refusal
		if err := json.Unmarshal([]byte(event.Data), &r); err == nil && r.Error != nil {
			return byStatus(amid(r.code()), r.code(), nil)
		}
		if err := take(event.Data); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// refused reads why a request was not taken.
func refused(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what came tells enough
	var r refusal
	_ = json.Unmarshal(text, &r) // proxies answer in other words: the status tells
	return byStatus(resp.StatusCode, r.code(), resp.Header)
}

// amid is the status that a refusal amid an answer would have had before it.
func amid(code string) int {
	for part, status := range map[string]int{"insufficient_quota": http.StatusTooManyRequests, "rate_limit": http.StatusTooManyRequests,
		"overloaded": http.StatusServiceUnavailable, "context_length_exceeded": http.StatusBadRequest} {
		if strings.Contains(code, part) {
			return status
		}
	}
	return http.StatusOK
}

// piece reads the JSON of an event.
func piece(data string, into any) error {
	if err := json.Unmarshal([]byte(data), into); err != nil {
		return &fault{kind: kindBroken, says: "a piece of the answer is not the JSON it should be"}
	}
	return nil
}
