// Package content has what the keepers of files' content share.
package content

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const headSize = 512

// Name is where the content of an id lies, the parts of its path with "/": what
// an execution made lies in a folder of the execution's. All keepers lay it the
// same way, so that contents can be copied from one to another. Ids are made
// here, so others are refused rather than mended.
func Name(id string) (string, error) {
	if len(id) < 4 || len(id) > 128 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" {
		return "", workflow.Errorf(workflow.CodeNotFound, "There is no file %q.", id)
	}
	if execution, sum, ok := store.OfExecution(id); ok {
		folder, err := Name(execution)
		return folder + "/" + sum, err
	}
	return id[len(id)-2:] + "/" + id, nil
}

// Gone is the error for content that is not there.
func Gone(id string) error {
	return workflow.Errorf(workflow.CodeNotFound, "The content of the file %q is not there any more.", id)
}

// Copy copies r to w, looking at what passes by; CodeTooLarge beyond most bytes.
// It ends with ctx at the next read.
func Copy(ctx context.Context, w io.Writer, r io.Reader, most int64) (store.Written, error) {
	sum := sha256.New()
	var head bytes.Buffer
	n, err := io.Copy(io.MultiWriter(w, sum), io.TeeReader(io.LimitReader(reader{ctx, r}, most+1), &limited{&head, headSize}))
	switch {
	case err != nil:
		return store.Written{}, err
	case n > most:
		e := workflow.Errorf(workflow.CodeTooLarge, "the file is larger than %d bytes", most)
		e.Details = map[string]any{"limit_bytes": most}
		return store.Written{}, e
	}
	return store.Written{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Head: head.Bytes()}, nil
}

// reader ends with ctx.
type reader struct {
	ctx context.Context //nolint:containedctx // for the length of one copy
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// limited keeps the beginning of what is written to it.
type limited struct {
	buf  *bytes.Buffer
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.most - l.buf.Len(); room > 0 {
		l.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
