package supabase

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"flowgate/store"
	"flowgate/store/internal/content"
)

const (
	small       = 64 << 10 // content that is sent with its size, since it is had whole
	timeToClean = 5 * time.Second
)

var errEnded = errors.New("supabase: the upload was ended")

// Write keeps all of r under id. It passes on what comes as it comes.
func (s *Storage) Write(ctx context.Context, id string, r io.Reader, most int64) (store.Written, error) {
	name, err := content.Name(id)
	if err != nil {
		return store.Written{}, err
	}
	if err := s.Prepare(ctx); err != nil {
		return store.Written{}, err
	}
	head, err := io.ReadAll(io.LimitReader(r, small+1))
	if err != nil {
		return store.Written{}, err
	}
	size := int64(-1)
	if len(head) <= small {
		size = int64(len(head))
	}
	written, err := s.upload(ctx, name, io.MultiReader(bytes.NewReader(head), r), size, most)
	if err != nil { // it may have come all the same: an answer may be lost
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeToClean)
		defer cancel()
		return store.Written{}, errors.Join(err, s.remove(clean, name))
	}
	return written, nil
}

// upload sends r as an object; a size below zero is not known. What comes passes
// through a pipe, so that nobody reads r any more when upload returns.
func (s *Storage) upload(ctx context.Context, name string, r io.Reader, size, most int64) (store.Written, error) {
	sending, w, cancel := s.watched(ctx)
	defer cancel(nil)
	out, in := io.Pipe()
	req, err := s.request(sending, http.MethodPost, "object/"+s.bucket+"/"+name, out)
	if err != nil {
		return store.Written{}, err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("X-Upsert", "true")
	switch {
	case size > 0:
		req.ContentLength = size
	case size == 0:
		req.Body = http.NoBody
	}
	answered := make(chan error, 1)
	go func() { // ends with the request's context
		resp, err := s.send(req)
		if err == nil {
			err = resp.Body.Close()
		}
		_ = out.Close() // whether it was read to its end or not
		answered <- err
	}()
	written, err := content.Copy(ctx, patiently{in, w}, r, most)
	if err != nil && !errors.Is(err, errEnded) {
		_ = in.CloseWithError(err)
		cancel(err)
		<-answered //nolint:errcheck // nobody reads r any more; why it ended is known
		return store.Written{}, err
	}
	_ = in.Close()
	w.begin()
	defer w.end()
	if refusal := <-answered; refusal != nil {
		s.forget(refusal)
		return store.Written{}, failStorage("keep the file", refusal)
	}
	if err != nil { // a good answer to half of it
		return store.Written{}, failStorage("keep the file", &answer{status: http.StatusOK, Message: "an answer before the file was sent"})
	}
	return written, nil
}

// patiently watches how long each write takes.
type patiently struct {
	io.Writer
	watch *watch
}

func (p patiently) Write(data []byte) (int, error) {
	p.watch.begin()
	defer p.watch.end()
	n, err := p.Writer.Write(data)
	if err != nil {
		err = errEnded
	}
	return n, err
}

// Delete removes the content.
func (s *Storage) Delete(ctx context.Context, id string) error {
	name, err := content.Name(id)
	if err != nil {
		return err
	}
	return s.remove(ctx, name)
}

// remove removes objects; those that are not there are none.
func (s *Storage) remove(ctx context.Context, names ...string) error {
	err := s.ask(ctx, http.MethodDelete, "object/"+s.bucket, map[string]any{"prefixes": names}, nil)
	if missing(err) { // nor is the bucket
		return nil
	}
	return failStorage("delete the file", err)
}

// Open returns the content. It ends with ctx; what is asked for from a later
// place on is had from there.
func (s *Storage) Open(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	name, err := content.Name(id)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, id, name)
}

func (s *Storage) open(ctx context.Context, id, name string) (io.ReadSeekCloser, error) {
	o := &object{storage: s, path: "object/" + s.bucket + "/" + name}
	o.ctx, o.watch, o.cancel = s.watched(ctx)
	if err := o.fetch(); err != nil {
		o.cancel(nil)
		var a *answer
		if errors.As(err, &a) && a.status == http.StatusNotFound && !noBucket(a) {
			return nil, content.Gone(id)
		}
		s.forget(err)
		return nil, failStorage("read the file", err)
	}
	return o, nil
}
