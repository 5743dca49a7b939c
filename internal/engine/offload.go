package engine

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// maxInline is how large a file may be that travels inside its item, where
// contents can be kept apart.
const maxInline = 64 << 10

// Files keeps contents of files. Those of an execution have ids of
// store.ExecutionContent.
type Files interface {
	// Read returns the content of an owner's file, or of a file of an owner's
	// execution; CodeNotFound when there is none.
	Read(ctx context.Context, owner, id string) ([]byte, error)
	// Keep keeps what an execution made. What is there already stays.
	Keep(ctx context.Context, id string, data []byte) error
	// Forget deletes all that executions made which are gone, as far as it can.
	Forget(ctx context.Context, executions []string)
}

// offloader moves large files of one execution's items to where contents are
// kept. The same file gets the same id, however often it is computed.
type offloader struct {
	execution string
	keep      func(ctx context.Context, id string, data []byte) error
	read      func(ctx context.Context, id string) ([]byte, error)
	count     func(n int64) error // what comes in from other executions; nil: any size
	done      map[string]bool     // ids kept in this computation
}

// outputs returns a node run's outputs with large files kept apart. What is
// given stays as it is, for it may be another node's.
func (o *offloader) outputs(ctx context.Context, main [][]workflow.Item) ([][]workflow.Item, error) {
	out, copied := main, false
	for i := range main {
		items, err := o.items(ctx, main[i])
		if err != nil {
			return nil, err
		}
		if len(items) == 0 || &items[0] == &main[i][0] {
			continue
		}
		if !copied {
			out, copied = append([][]workflow.Item(nil), main...), true
		}
		out[i] = items
	}
	return out, nil
}

func (o *offloader) items(ctx context.Context, items []workflow.Item) ([]workflow.Item, error) {
	out, copied := items, false
	for i := range items {
		files, err := o.files(ctx, items[i].Binary)
		if err != nil {
			return nil, err
		}
		if files == nil {
			continue
		}
		if !copied {
			out, copied = append([]workflow.Item(nil), items...), true
		}
		out[i].Binary = files
	}
	return out, nil
}

// files is a copy of an item's files with the large ones kept apart, nil when
// there are none of these.
func (o *offloader) files(ctx context.Context, files map[string]*workflow.Binary) (out map[string]*workflow.Binary, err error) {
	for name, b := range files {
		apart, err := o.file(ctx, b)
		if err != nil {
			return nil, err
		}
		if apart == nil {
			continue
		}
		if out == nil {
			out = maps.Clone(files)
		}
		out[name] = apart
	}
	return out, nil
}

// file keeps a file apart, nil when it may stay as it is: small, a user's
// own, or kept by this execution already.
func (o *offloader) file(ctx context.Context, b *workflow.Binary) (*workflow.Binary, error) {
	var id string
	var err error
	switch {
	case b == nil:
	case b.Data != "":
		id, err = o.inline(ctx, b)
	default:
		id, err = o.adopted(ctx, b.ID)
	}
	if err != nil || id == "" {
		return nil, err
	}
	apart := *b
	apart.ID, apart.Data, apart.Source = id, "", nil
	return &apart, nil
}

// inline keeps the content of a large file; "" for others, and for text that
// is no content.
func (o *offloader) inline(ctx context.Context, b *workflow.Binary) (string, error) {
	if base64.StdEncoding.DecodedLen(len(b.Data)) <= maxInline {
		return "", nil
	}
	data, err := node.Content(b)
	if err != nil || len(data) <= maxInline {
		return "", nil
	}
	sum := sha256.Sum256(data)
	id := store.ExecutionContent(o.execution, hex.EncodeToString(sum[:]))
	return id, o.once(ctx, id, data)
}

// adopted keeps a copy of what another execution made, which may be deleted
// with that one; "" for everything else, and for what is not there any more.
func (o *offloader) adopted(ctx context.Context, of string) (string, error) {
	execution, sum, ok := store.OfExecution(of)
	if !ok || execution == o.execution || o.read == nil {
		return "", nil
	}
	id := store.ExecutionContent(o.execution, sum)
	if o.done[id] {
		return id, nil
	}
	data, err := o.read(ctx, of)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return "", nil
	}
	if err == nil && o.count != nil {
		err = o.count(int64(len(data)))
	}
	if err != nil {
		return "", err
	}
	return id, o.once(ctx, id, data)
}

func (o *offloader) once(ctx context.Context, id string, data []byte) error {
	if o.done[id] {
		return nil
	}
	if err := o.keep(ctx, id, data); err != nil {
		return err
	}
	if o.done == nil {
		o.done = map[string]bool{}
	}
	o.done[id] = true
	return nil
}

// offload keeps the large files of a node run's outputs apart. An error is
// either the execution's, which holds too much, or the machinery's, which
// ends the computation.
func (x *execution) offload(ctx context.Context, main [][]workflow.Item) ([][]workflow.Item, error) {
	if x.job.Keep == nil || ctx.Err() != nil {
		return main, nil
	}
	if x.apart == nil {
		x.apart = &offloader{execution: x.job.Execution.ID, keep: x.job.Keep, read: x.job.File, count: x.budget.bring}
	}
	main, err := x.apart.outputs(context.WithoutCancel(ctx), main)
	if err != nil && workflow.CodeOf(err) != workflow.CodeTooLarge {
		err = x.interrupt(err)
	}
	return main, err
}

// offloadStart keeps large files apart that an execution begins with. What it
// kept is to be forgotten when the execution is not recorded.
func (m *Manager) offloadStart(ctx context.Context, e *workflow.Execution) (kept bool, err error) {
	if m.opts.Files == nil {
		return false, nil
	}
	o := &offloader{execution: e.ID, keep: m.opts.Files.Keep, read: m.files(e.OwnerID)}
	e.Start.Items, err = o.items(ctx, e.Start.Items)
	return len(o.done) > 0, err
}
