package engine

import (
	"flowgate/internal/workflow"
)

// Check says why a workflow could not be executed as asked, before anything
// is recorded: node types this engine does not know, no trigger, no such
// trigger. Nil: it can begin.
func (e *Engine) Check(w *workflow.Workflow, req workflow.ExecuteRequest) error {
	g := buildGraph(&w.Document, e.registry)
	v, err := g.begin(req.Start, req.Mode)
	if err != nil {
		return err
	}
	r, err := g.reuseOf(req.Start, v)
	if err != nil {
		return err
	}
	pins := req.Start.PinData && req.Mode == workflow.ModeManual
	return g.checkRunnable(v, func(v *vertex) bool { return !r.allows(v) || pins && w.Document.PinData[v.name()] != nil })
}
