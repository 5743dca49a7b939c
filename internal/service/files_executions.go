package service

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// maxExecutionFile is more than any execution may make.
const maxExecutionFile = 1 << 30

// find looks up who may read content: the owner of the file, or of the
// execution that made it. The file is nil for an execution's.
func (fs *Files) find(ctx context.Context, owner, id string) (*store.File, error) {
	execution, _, ok := store.OfExecution(id)
	if !ok {
		return fs.Store.File(ctx, owner, id)
	}
	_, err := fs.Store.Execution(ctx, owner, execution)
	return nil, err
}

// Read returns the content of an owner's file, or of one an execution of the
// owner's made, for executions.
func (fs *Files) Read(ctx context.Context, owner, id string) ([]byte, error) {
	f, err := fs.find(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	body, err := fs.Contents.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	most := int64(maxExecutionFile)
	if f != nil {
		most = f.Size
	}
	data, err := io.ReadAll(io.LimitReader(body, most+1)) // what is there takes memory, not what is said to be
	if n := int64(len(data)); err == nil && (n > most || f != nil && n != most) {
		err = fmt.Errorf("the content %s has another size than its %d bytes", id, most)
	}
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeUnavailable, err, "The file could not be read to its end.")
	}
	return data, nil
}

// Keep keeps what an execution made, once. It counts to nobody's quota: the
// execution's own limits bound it, and it goes with the execution.
func (fs *Files) Keep(ctx context.Context, id string, data []byte) error {
	there, err := fs.Contents.Open(ctx, id)
	if err == nil {
		return there.Close()
	}
	if workflow.CodeOf(err) != workflow.CodeNotFound {
		return err
	}
	_, err = fs.Contents.Write(ctx, id, bytes.NewReader(data), int64(len(data)))
	return err
}

// Forget deletes what executions made that are gone. What cannot be deleted
// is swept later.
func (fs *Files) Forget(ctx context.Context, executions []string) {
	for _, id := range executions {
		if ctx.Err() != nil {
			return
		}
		_ = fs.Contents.DeleteOf(ctx, id) // the sweep finds what is left
	}
}

// keptContent is content of the caller's on its way out, as c names it unless
// it is a file of its own.
func (s *Service) keptContent(ctx context.Context, id string, c *Content) (*Content, error) {
	fs, err := s.keeper()
	if err != nil {
		return nil, err
	}
	f, err := fs.find(ctx, owner(ctx), id)
	if err != nil {
		return nil, err
	}
	if c.Body, err = fs.Contents.Open(ctx, id); err != nil {
		return nil, err
	}
	if f != nil {
		c.FileView = *fileView(f)
		return c, nil
	}
	_, c.SHA256, _ = store.OfExecution(id)
	c.Size, err = c.Body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = c.Body.Seek(0, io.SeekStart)
	}
	return c, err
}

// ownedFiles reads an owner's files for a moment.
type ownedFiles struct {
	ctx   context.Context //nolint:containedctx // for the length of one call
	files *Files
	owner string
}

var _ workflow.BinarySource = ownedFiles{}

func (r ownedFiles) Content(id string) ([]byte, error) { return r.files.Read(r.ctx, r.owner, id) }

// filesOf reads an owner's files, nil when none are kept.
func (s *Service) filesOf(ctx context.Context, owner string) workflow.BinarySource {
	if s.Files == nil {
		return nil
	}
	return ownedFiles{ctx, s.Files, owner}
}

// withFiles lets the files of items be read that are kept apart.
func (s *Service) withFiles(ctx context.Context, owner string, items []workflow.Item) {
	source := s.filesOf(ctx, owner)
	for i := range items {
		for _, b := range items[i].Binary {
			if b != nil {
				b.Source = source
			}
		}
	}
}
