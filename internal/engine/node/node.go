// Package node holds the node types: one file each, all listed in All.
//
// A node type is a value of Type. Its parameters are a struct whose fields
// and tags are the one source of the JSON schema, the validation, the
// catalogue entry and the documentation (see Bind and Schema).
package node

import (
	"context"
	"math/rand/v2"
	"net/http"
	"reflect"
	"time"

	"flowgate/internal/workflow"
)

// Type is a node type: what it is, what it takes, and how it runs.
type Type struct {
	Name        string   // as in documents: "n8n-nodes-base.set"
	Aliases     []string // other names documents use for it
	DisplayName string
	Description string // one or two sentences, for people and models
	Category    workflow.Category
	Versions    []float64 // ascending; the last is the one to write
	Trigger     bool      // starts executions; has no main input
	SideEffects bool      // reaches outside; what it gets is recorded through Host.Effect
	Credentials []string
	Docs        string
	Examples    []workflow.NodeExample

	// Params is the zero value of the parameter struct of the newest version.
	// Older versions whose parameters differ are listed in OldParams: the
	// struct holds for versions below Below.
	Params    any
	OldParams []VersionedParams

	// Inputs and Outputs give the ports of a node as it is configured. Nil
	// Inputs: one main input, none for a trigger. Nil Outputs: one main output.
	Inputs  func(n *workflow.Node) []workflow.Port
	Outputs func(n *workflow.Node) []workflow.Port
	// RequiredInputs is how many of the inputs must have data before the node
	// may run when the rest of the workflow has ended. Nil: 1.
	RequiredInputs func(n *workflow.Node) int

	// Check adds findings beyond what the parameter struct says. May be nil.
	Check func(n *workflow.Node) []workflow.Finding
	// Run does the work of one node run.
	Run func(ctx context.Context, c *Call) (Output, error)
}

// VersionedParams is a parameter struct for node versions below Below.
type VersionedParams struct {
	Below  float64
	Params any
}

// Output is what a node run gives: items by output index. Items without a
// pairing are paired by the engine where that is unambiguous.
type Output struct {
	Main    [][]workflow.Item
	Hints   []string // shown to people beside the run
	Console []string // what the node's own code printed
	// Passthrough marks that the input was handed on because the node failed
	// outright under an error policy that continues; set by the engine.
	Passthrough bool
}

// Items returns an output of one port.
func Items(items []workflow.Item) Output { return Output{Main: [][]workflow.Item{items}} }

// Call is one run of one node. It belongs to one goroutine.
type Call struct {
	Node     *workflow.Node
	Document *workflow.Document
	Type     *Type
	Inputs   [][]workflow.Item // by input index; nil where an input got nothing
	// Sources says where each input came from; nil where that is not known.
	Sources []*workflow.Source
	Run     int // counts from 0
	Mode    workflow.Mode
	// State is kept for the node from run to run of one execution (loops).
	// Expressions see it as $node["…"].context.
	State *workflow.Object
	Eval  Evaluator
	Host  Host

	static map[reflect.Type]any // bound parameters without expressions, by type
}

// Evaluator resolves expressions of the node that runs. extra adds names such
// as $response; it may be nil.
type Evaluator interface {
	// Resolve returns raw with every expression in it evaluated for item i of
	// input 0: strings that begin with "=", at any depth. Raw is not changed.
	Resolve(ctx context.Context, raw any, i int, extra map[string]any) (any, error)
}

// Host is what the engine does for nodes. Everything that reaches outside or
// depends on time or chance goes through it, so that an execution that is
// computed again gives the same results.
type Host interface {
	// Effect runs fn and records what it returned under key, which must be
	// unique within the node run (for instance the item index). Where it was
	// recorded before, fn does not run and the record is returned. An error of
	// fn is recorded too, but not when ctx ended.
	Effect(ctx context.Context, key string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error)
	// HTTP is the guarded client; use it inside Effect only.
	HTTP() *http.Client
	// WaitUntil returns when t has come; the execution may leave memory meanwhile.
	WaitUntil(ctx context.Context, key string, t time.Time) error
	// Receive waits for a message to this node run (a resumed webhook, an
	// approval), at the latest until deadline (zero: for ever), showing w
	// meanwhile. Nil and no error: the deadline passed.
	Receive(ctx context.Context, key string, w workflow.Waiting, deadline time.Time) ([]byte, error)
	// Code runs user JavaScript, see CodeRequest.
	Code(ctx context.Context, req CodeRequest) (CodeResult, error)
	// SubWorkflow runs another workflow of the same owner and returns the items
	// of its last node. With wait false it returns at once with no items.
	SubWorkflow(ctx context.Context, key string, ref SubWorkflow, items []workflow.Item, wait bool) ([]workflow.Item, error)
	// Respond answers the HTTP caller that waits for this execution. Only the
	// first response counts. It reports false when nobody can be answered
	// (the execution was not started by a webhook that waits).
	Respond(ctx context.Context, r workflow.Response) (bool, error)
	// Credential returns the fields of a credential the node refers to.
	Credential(ctx context.Context, kind string) (map[string]string, error)
	// StaticData is the workflow's ("global") or the node's ("node") own
	// object, kept between production executions. Changes to it are kept.
	StaticData(scope string) *workflow.Object
	// Now is the execution's clock; Rand its recorded source of chance.
	Now() time.Time
	Rand() *rand.Rand
	// Location is the workflow's time zone.
	Location() *time.Location
}

// SubWorkflow names the workflow to call: by ID, or Document given inline.
type SubWorkflow struct {
	ID       string
	Document *workflow.Document
}

// CodeRequest asks for one run of user JavaScript.
type CodeRequest struct {
	Source string
	// Mode is "all" (once for all items; items and $input are the input),
	// "each" (once for item Index; $json, item, $input.item), "function" and
	// "functionItem" (the legacy nodes' conventions).
	Mode  string
	Index int
	Items []workflow.Item
}

// CodeResult is what user code returned, as JSON kinds (undefined is Undefined
// true), what it printed, and the items' JSON kinds as it left them.
type CodeResult struct {
	Value     any
	Undefined bool
	Console   []string
}

// Failure is a node's failure for people: what, and what to do about it.
type Failure struct {
	Message     string
	Description string
	Code        string           // e.g. "ECONNREFUSED", "404"
	Item        *int             // index of the item at fault
	Detail      *workflow.Object // for json.error where a type reports an object
	Err         error
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Items returns the items of input 0.
func (c *Call) Items() []workflow.Item {
	if len(c.Inputs) == 0 {
		return nil
	}
	return c.Inputs[0]
}

// ContinueOnFail reports whether a failing item is to be turned into an error
// item instead of failing the node.
func (c *Call) ContinueOnFail() bool { return c.Node.ErrorPolicy() != workflow.OnErrorStop }

// EachItem calls fn for every item of input 0 and gathers what it returns in
// order. Items without a pairing are paired with their input item. A failing
// item becomes an error item where the node's error policy continues, and
// fails the run otherwise. ctx is looked at before each item.
func (c *Call) EachItem(ctx context.Context, fn func(i int, in workflow.Item) ([]workflow.Item, error)) ([]workflow.Item, error) {
	in := c.Items()
	out := make([]workflow.Item, 0, len(in))
	for i := range in {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		items, err := fn(i, in[i])
		if err != nil {
			if !c.ContinueOnFail() || ctx.Err() != nil {
				return nil, AtItem(err, i)
			}
			out = append(out, ErrorItem(err, i))
			continue
		}
		for _, item := range items {
			if item.Paired == nil {
				item.Paired = workflow.PairedTo(i)
			}
			out = append(out, item)
		}
	}
	return out, nil
}
