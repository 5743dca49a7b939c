package engine

import (
	"context"
	"net/http"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// Job is one execution to run. Execution and Workflow are required and are
// not changed. Nil functions mean that the ability is not there.
type Job struct {
	Execution *workflow.Execution
	Workflow  *workflow.Workflow
	// Effects records what the outside answered. Nil: Direct{}.
	Effects Effects
	// Recorder is told of everything that happens, in order. Nil: nobody.
	Recorder Recorder
	// HTTP replaces the engine's client, for instance with recorded answers.
	HTTP *http.Client
	// SubWorkflows finds a workflow that a node calls by ID; it answers for
	// the owner's right to call it.
	SubWorkflows func(ctx context.Context, ref node.SubWorkflow) (*workflow.Workflow, error)
	// Detach starts a sub-workflow nobody waits for, as an execution of its
	// own; it is called once per call of a node, inside a recorded step. Nil:
	// the sub-workflow runs within this execution and its outcome is ignored.
	Detach func(ctx context.Context, w *workflow.Workflow, items []workflow.Item) error
	// Respond answers the HTTP caller that waits for this execution. It is
	// called at most once per process that computes the execution.
	Respond func(ctx context.Context, r workflow.Response) error
	// Credentials returns the fields of a stored credential.
	Credentials func(ctx context.Context, kind string, ref workflow.CredentialRef) (map[string]string, error)
	// File reads the content of a file of the owner's by its id. Nil: there
	// are none.
	File func(ctx context.Context, id string) ([]byte, error)
	// Keep keeps the content of a file the execution made, under an id of
	// store.ExecutionContent that File knows from then on; what is there
	// already stays. Nil: files stay in their items, however large.
	Keep func(ctx context.Context, id string, data []byte) error
	// StaticData loads the workflow's static data when a node first asks for
	// it, inside a recorded step. Nil: the document's.
	StaticData func(ctx context.Context) (*workflow.Object, error)
	// OnStaticData keeps changed static data at the end of a production
	// execution of an active workflow, inside a recorded step.
	OnStaticData func(ctx context.Context, data *workflow.Object) error
	// OnSubStaticData does the same for a sub-workflow; it was loaded with the
	// sub-workflow's document.
	OnSubStaticData func(ctx context.Context, workflowID string, data *workflow.Object) error
	// BaseURL is where this server is reached; resume addresses begin with it.
	BaseURL string
	// Signature is what these addresses carry, FormSignature those of pages; ""
	// where they need none.
	Signature, FormSignature string
}

// Recorder keeps what an execution does. Events come in the order of Seq and
// come again, under the same Seq, when the execution is computed again: what
// is already kept is to be left alone. The same holds for node runs by node
// and run. Calls come from one goroutine.
type Recorder interface {
	Event(ctx context.Context, e workflow.Event) error
	NodeRun(ctx context.Context, r workflow.NodeRun) error
	// Waiting tells what the execution waits for; nil: it goes on.
	Waiting(ctx context.Context, w *workflow.Waiting) error
}

// Outcome is how a Run call ended. Either it is final, and Status is; or
// Suspended is true and the execution is to be run again when what it waits
// for has come; or Err says which part of the machinery failed and the
// execution is to be run again, too.
type Outcome struct {
	Status    workflow.Status
	Error     *workflow.ExecutionError
	LastNode  string   // the node that ran last, "" when none did
	Order     []string // names of the nodes in the order of their runs
	Runs      []workflow.NodeRun
	Result    []workflow.Item // items of the last node's first output that has any
	Suspended bool
	Err       error
	// StaticData is the static data as the execution left it, when it changed;
	// nil otherwise.
	StaticData *workflow.Object
	// Responded reports whether the waiting HTTP caller was answered.
	Responded bool
}

// RunsOf returns the runs of one node in order.
func (o *Outcome) RunsOf(name string) []workflow.NodeRun {
	var runs []workflow.NodeRun
	for _, r := range o.Runs {
		if r.Node == name {
			runs = append(runs, r)
		}
	}
	return runs
}

// address is where what the execution waits for is answered.
func (j *Job) address(path, signature string) string {
	a := j.BaseURL + path + j.Execution.ID
	if signature != "" {
		a += "?signature=" + signature
	}
	return a
}
