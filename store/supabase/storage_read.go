package supabase

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// object is an object that is read. A connection that is lost on the way is made
// anew, from where it was lost.
type object struct {
	ctx     context.Context //nolint:containedctx // of its reader, who closes it
	cancel  context.CancelCauseFunc
	watch   *watch
	storage *Storage
	path    string

	size   int64 // known after the first fetch
	at     int64 // of the next byte that is read
	body   io.ReadCloser
	from   int64 // of the body's next byte
	losses int   // since a byte came
}

// mostLosses is how often in a row a connection may be lost.
const mostLosses = 2

// fetch asks for the content from at on.
func (o *object) fetch() error {
	req, err := o.storage.request(o.ctx, http.MethodGet, o.path, nil)
	if err != nil {
		return err
	}
	if o.at > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", o.at))
	}
	req.Header.Set("Accept-Encoding", "identity") // sizes and places are those of the content
	o.watch.begin()
	defer o.watch.end()
	resp, err := o.storage.send(req)
	if err != nil {
		return err
	}
	if err := o.begin(resp); err != nil {
		return errors.Join(because(o.ctx, err), resp.Body.Close())
	}
	return nil
}

// begin reads the answer's head. A server that knows no ranges sends all.
func (o *object) begin(resp *http.Response) error {
	var first int64
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &first); err != nil || first != o.at {
			return &answer{status: resp.StatusCode, Message: fmt.Sprintf("another range than was asked for: %q", resp.Header.Get("Content-Range"))}
		}
	default:
		if resp.ContentLength < 0 {
			return &answer{status: resp.StatusCode, Message: "an answer without a size"}
		}
		o.size = resp.ContentLength
	}
	if _, err := io.CopyN(io.Discard, resp.Body, o.at-first); err != nil {
		return err
	}
	o.body, o.from = resp.Body, o.at
	return nil
}

// Read reads on.
func (o *object) Read(p []byte) (int, error) {
	for {
		if o.at >= o.size {
			return 0, io.EOF
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := o.readOn(p)
		if n > 0 {
			o.losses = 0
			return n, nil
		}
		o.drop()
		if o.losses++; o.ctx.Err() != nil || o.losses > mostLosses || refused(err) {
			return 0, failStorage("read the file", because(o.ctx, err))
		}
	}
}

// readOn reads from the connection that is there, or a new one.
func (o *object) readOn(p []byte) (int, error) {
	if o.body != nil && o.from != o.at {
		o.drop()
	}
	if o.body == nil {
		if err := o.fetch(); err != nil {
			return 0, err
		}
	}
	o.watch.begin()
	n, err := o.body.Read(p[:min(int64(len(p)), o.size-o.at)])
	o.watch.end()
	o.at += int64(n)
	o.from = o.at
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // there is more of it
	}
	return n, err
}

func refused(err error) bool {
	var a *answer
	return errors.As(err, &a)
}

func (o *object) drop() {
	if o.body != nil {
		_ = o.body.Close() // was given up
		o.body = nil
	}
}

// Seek says where the next Read begins; nothing is asked for before it.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	case io.SeekStart:
	default:
		return 0, fmt.Errorf("supabase: seek from %d", whence)
	}
	if offset < 0 {
		return 0, errors.New("supabase: seek before the beginning")
	}
	o.at = offset
	return offset, nil
}

// Close ends reading.
func (o *object) Close() error {
	o.watch.end()
	o.cancel(nil)
	o.drop()
	return nil
}
