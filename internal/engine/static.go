package engine

import (
	"bytes"
	"context"
	"encoding/json"

	"flowgate/internal/workflow"
)

// staticData is a workflow's own data, loaded when a node first asks for it.
// It holds an object for the workflow ("global") and one for each node that
// has one ("node:NAME").
type staticData struct {
	data   *workflow.Object
	before []byte // as loaded, to tell whether it changed
}

// staticObject returns the object of a scope, for changing in place. Where the
// data cannot be loaded the computation ends, and the object goes nowhere.
func (x *execution) staticObject(ctx context.Context, scope, nodeName string) *workflow.Object {
	if x.static.data == nil {
		if err := x.loadStatic(ctx); err != nil {
			return &workflow.Object{}
		}
	}
	key := "global"
	if scope == "node" {
		key = "node:" + nodeName
	}
	if own, ok := x.static.data.Value(key).(*workflow.Object); ok {
		return own
	}
	own := &workflow.Object{}
	x.static.data.Set(key, own)
	return own
}

func (x *execution) loadStatic(ctx context.Context) error {
	load := func(ctx context.Context) ([]byte, error) {
		data := x.graph.doc.StaticData
		if x.job.StaticData != nil && x.path == "" {
			var err error
			if data, err = x.job.StaticData(ctx); err != nil {
				return nil, err
			}
		}
		if data == nil {
			data = &workflow.Object{}
		}
		return json.Marshal(data)
	}
	rec, err := x.step(ctx, x.path+"static/load", load)
	if err != nil {
		return err
	}
	if rec.kind != recordOK {
		return x.interrupt(decodeFailure(rec.data))
	}
	x.static.data, x.static.before = &workflow.Object{}, rec.data
	if err := json.Unmarshal(rec.data, x.static.data); err != nil {
		return x.interrupt(err)
	}
	return nil
}

// changedStatic returns the data when the execution changed it, nil otherwise.
// Objects that were only looked at count for nothing.
func (x *execution) changedStatic() *workflow.Object {
	if x.static.data == nil {
		return nil
	}
	before, kept := &workflow.Object{}, &workflow.Object{}
	if err := json.Unmarshal(x.static.before, before); err != nil {
		return nil // was read before
	}
	for i := range x.static.data.Len() {
		key, value := x.static.data.At(i)
		_, had := before.Get(key)
		if own, ok := value.(*workflow.Object); had || !ok || own.Len() > 0 {
			kept.Set(key, value)
		}
	}
	after, err := json.Marshal(kept)
	if err != nil || bytes.Equal(after, x.static.before) {
		return nil
	}
	return kept
}

// keepStatic stores changed static data: of production executions of active
// workflows only, as the format has it.
func (x *execution) keepStatic(ctx context.Context) {
	changed := x.changedStatic()
	keep := x.job.OnStaticData
	if x.path != "" && x.job.OnSubStaticData != nil {
		keep = func(ctx context.Context, data *workflow.Object) error {
			return x.job.OnSubStaticData(ctx, x.workflow.ID, data)
		}
	} else if x.path != "" {
		keep = nil
	}
	if changed == nil || x.broken != nil || keep == nil || !x.job.Execution.Mode.Production() || !x.workflow.Active {
		return
	}
	ctx = context.WithoutCancel(ctx)
	rec, err := x.step(ctx, x.path+"static/keep", func(ctx context.Context) ([]byte, error) {
		return nil, keep(ctx, changed)
	})
	if err == nil && rec.kind != recordOK {
		x.engine.log.ErrorContext(ctx, "static data not kept", "execution_id", x.job.Execution.ID,
			"workflow_id", x.workflow.ID, "error", decodeFailure(rec.data))
	}
}
