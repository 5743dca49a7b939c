package engine

import (
	"context"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// storedFiles reads files of the owner's for one node run.
type storedFiles struct {
	ctx  context.Context // the node run's: files are asked for without one
	read func(ctx context.Context, id string) ([]byte, error)
	most int64
	// broken ends the computation when the store cannot be asked.
	broken func(error) error
}

var _ workflow.BinarySource = (*storedFiles)(nil)

// Content returns a file's content. A file that is gone is the node's failure.
func (f *storedFiles) Content(id string) ([]byte, error) {
	if f.read == nil {
		return nil, node.Fail("its content is kept in the store, which this run has none of")
	}
	data, err := f.read(f.ctx, id)
	switch {
	case workflow.CodeOf(err) == workflow.CodeNotFound:
		return nil, node.Fail("its content is not there any more")
	case err != nil && f.ctx.Err() == nil:
		return nil, f.broken(err)
	case err != nil:
		return nil, err
	case int64(len(data)) > f.most:
		return nil, tooLarge("it holds %s; a node may read %s", sizeText(int64(len(data))), sizeText(f.most))
	}
	return data, nil
}

func (x *execution) storedFiles(ctx context.Context) *storedFiles {
	return &storedFiles{ctx: ctx, read: x.job.File, most: x.budget.limits.MaxNodeBytes, broken: x.interrupt}
}

// readable lets a node read the files of its input that are kept in the
// store. The items themselves are left as they are.
func (x *execution) readable(ctx context.Context, inputs [][]workflow.Item) [][]workflow.Item {
	var out [][]workflow.Item
	source := x.storedFiles(ctx)
	for i, items := range inputs {
		copied := false
		for j := range items {
			files := withSource(items[j].Binary, source)
			if files == nil {
				continue
			}
			if out == nil {
				out = append(out, inputs...)
			}
			if !copied {
				out[i], copied = append([]workflow.Item(nil), items...), true
			}
			out[i][j].Binary = files
		}
	}
	if out == nil {
		return inputs
	}
	return out
}

// withSource is a copy of files with those from the store readable, nil when
// there are none of these.
func withSource(files map[string]*workflow.Binary, source workflow.BinarySource) map[string]*workflow.Binary {
	var out map[string]*workflow.Binary
	for name, b := range files {
		if b == nil || b.ID == "" || b.Data != "" {
			continue
		}
		if out == nil {
			out = make(map[string]*workflow.Binary, len(files))
			for n, f := range files {
				out[n] = f
			}
		}
		stored := *b
		stored.Source = source
		out[name] = &stored
	}
	return out
}

// files reads the owner's files, and nobody else's.
func (m *Manager) files(owner string) func(context.Context, string) ([]byte, error) {
	if m.opts.Files == nil {
		return nil
	}
	return func(ctx context.Context, id string) ([]byte, error) { return m.opts.Files.Read(ctx, owner, id) }
}

// keepFile keeps what executions make, nil when nothing is kept.
func (m *Manager) keepFile() func(context.Context, string, []byte) error {
	if m.opts.Files == nil {
		return nil
	}
	return m.opts.Files.Keep
}
