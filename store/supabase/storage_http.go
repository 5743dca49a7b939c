package supabase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// ask sends a question that is JSON, nil for none, and reads the answer into
// out, which may be nil.
func (s *Storage) ask(ctx context.Context, method, path string, question, out any) error {
	var body io.Reader
	if question != nil {
		data, err := json.Marshal(question)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	limited, cancel := context.WithTimeoutCause(ctx, s.patience, errSilent)
	defer cancel()
	req, err := s.request(limited, method, path, body)
	if err != nil {
		return err
	}
	if question != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header["Idempotency-Key"] = []string{} // is not sent: all that is asked so may be asked again
	resp, err := s.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return because(limited, err)
	case len(data) > maxAnswer:
		return errTooLarge
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return &answer{status: http.StatusOK, Message: "an answer that cannot be read: " + err.Error()}
	}
	return nil
}

// request makes a request to the project's Storage. path is of ids and names
// that are made here: nothing in them means something in an address.
func (s *Storage) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base.JoinPath("storage", "v1", path).String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Apikey", s.key)
	req.Header.Set("Authorization", "Bearer "+s.key)
	return req, nil
}

// send returns good answers only; the caller closes their bodies.
func (s *Storage) send(req *http.Request) (*http.Response, error) {
	resp, err := s.out.RoundTrip(req) // follows no redirect, which would take the key elsewhere
	if err != nil {
		return nil, because(req.Context(), err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		return nil, because(req.Context(), err)
	}
	return nil, storageAnswer(resp, body)
}

const maxRefusal = 64 << 10

// because prefers the reason for which a context ended to how that was noticed.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// storageAnswer reads a refusal of Storage's, whose status is in the body: on
// the wire most are 400.
func storageAnswer(resp *http.Response, body []byte) *answer {
	a := answerOf(resp, body)
	var said struct {
		Status json.RawMessage `json:"statusCode"` // a text, or a number
		Error  string          `json:"error"`      // what older versions have for a code
	}
	if !isJSON(resp.Header) || json.Unmarshal(body, &said) != nil {
		return a
	}
	if n, err := strconv.Atoi(strings.Trim(string(said.Status), `"`)); err == nil && n >= 300 && n <= 599 {
		a.status = n
	}
	if a.Code == "" {
		a.Code = said.Error
	}
	return a
}

// missing is true when what was asked for is not there.
func missing(err error) bool {
	var a *answer
	return errors.As(err, &a) && a.status == http.StatusNotFound
}

// failStorage translates an error at the package's edge. doing completes "could
// not".
func failStorage(doing string, err error) error {
	var known *workflow.Error
	var a *answer
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return workflow.Wrap(workflow.CodeCancelled, err, "The request was cancelled before it could "+doing+".")
	case errors.Is(err, errSilent):
		return workflow.Wrap(workflow.CodeUnavailable, failure(err), "Supabase Storage, which keeps the files, does not answer; try again.")
	case errors.Is(err, context.DeadlineExceeded):
		return workflow.Wrap(workflow.CodeTimeout, err, "Time ran out before it could "+doing+".")
	case errors.As(err, &a):
		return failStorageAnswer(doing, a)
	}
	return workflow.Wrap(workflow.CodeUnavailable, failure(err), "Supabase Storage, which keeps the files, cannot be reached now; try again.")
}

func failStorageAnswer(doing string, a *answer) error {
	code, message := workflow.CodeUnavailable, "Supabase Storage, which keeps the files, cannot be used now; try again."
	switch {
	case a.status == http.StatusRequestEntityTooLarge:
		code, message = workflow.CodeTooLarge, "The file is larger than the Supabase project takes."
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.Code == "InvalidJWT":
		message = "Supabase Storage does not accept this server's key; the operator finds out with: flowgate doctor"
	case a.status == http.StatusConflict, a.status == http.StatusBadRequest:
		code, message = workflow.CodeInternal, "Could not "+doing+"."
	}
	return workflow.Wrap(code, failure(a), message)
}

// watch ends a transfer during which the project does nothing for too long.
type watch struct {
	timer    *time.Timer
	patience time.Duration
}

// watched returns a context that the watch ends, and ends it. The watch looks
// between begin and end only.
func (s *Storage) watched(ctx context.Context) (context.Context, *watch, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{patience: s.patience, timer: time.AfterFunc(s.patience, func() { cancel(errSilent) })}
	w.timer.Stop()
	return ctx, w, cancel
}

func (w *watch) begin() { w.timer.Reset(w.patience) }
func (w *watch) end()   { w.timer.Stop() }

// noBucket tells a bucket that is missing from an object that is. Older versions
// have words for a code.
func noBucket(a *answer) bool { return a.Code == "NoSuchBucket" || a.Code == "Bucket not found" }
