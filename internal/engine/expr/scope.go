package expr

import (
	"math/rand/v2"
	"time"

	"flowgate/internal/workflow"
)

// RunData is the run-wide view that expressions have of an execution. The
// runner implements it. It is read on the goroutine that calls a Session.
type RunData interface {
	// Runs returns the finished runs of a node in order, nil when it has not run.
	Runs(node string) []workflow.NodeRun
	// Document is the workflow that runs.
	Document() *workflow.Document
	// Info names the execution.
	Info() ExecutionInfo
	// Now is the execution's clock: $now, Date.now() and new Date().
	Now() time.Time
	// Location is the workflow's time zone. Nil means UTC.
	Location() *time.Location
	// Rand is the execution's source of chance, nil for a fixed one.
	Rand() *rand.Rand
	// NodeState is what $node["…"].context shows, nil when there is none.
	NodeState(node string) *workflow.Object
	// StaticData is the object kept between production executions: scope is
	// "global" or "node". Code changes it in place. It may be nil.
	StaticData(scope, node string) *workflow.Object
}

// ExecutionInfo is what $execution and $workflow show.
type ExecutionInfo struct {
	ID           string
	Mode         workflow.Mode
	ResumeURL    string
	FormURL      string
	WorkflowID   string
	WorkflowName string
	Active       bool
	// CustomData is kept by $execution.customData; nil shows an empty one.
	CustomData *workflow.Object
}

// Scope is the node run in which something is evaluated. It must not change
// while a Session uses it.
type Scope struct {
	Node *workflow.Node
	Run  int
	// Inputs are the items by input index, Sources where they came from.
	Inputs  [][]workflow.Item
	Sources []*workflow.Source
	// InputIndex is the input that $json and $input mean.
	InputIndex int
	Data       RunData
	// Files reads contents that are kept apart from their items; nil: there are
	// none.
	Files workflow.BinarySource
	// Extra adds names such as $response. Values are JSON kinds.
	Extra map[string]any
}

// Items returns the items of the scope's input.
func (sc *Scope) Items() []workflow.Item {
	if sc == nil || sc.InputIndex >= len(sc.Inputs) {
		return nil
	}
	return sc.Inputs[sc.InputIndex]
}

// Modes of a CodeRequest.
const (
	ModeAll          = "all"          // once for all items
	ModeEach         = "each"         // once for the item at Index
	ModeFunction     = "function"     // legacy: items, once
	ModeFunctionItem = "functionItem" // legacy: item is the JSON of the item at Index
)

// CodeRequest asks for one run of user JavaScript.
type CodeRequest struct {
	Source string
	Mode   string // one of the Mode constants
	Index  int
	Items  []workflow.Item
}

// CodeResult is what user code returned, as JSON kinds, and what it printed.
type CodeResult struct {
	Value     any
	Undefined bool // nothing was returned
	Console   []string
}

// UndefinedValue is the type of Undefined.
type UndefinedValue struct{}

// Undefined is what Resolve returns for an expression without a value: a
// missing property, an unknown name, an exception. Callers that store values
// turn it into null (see Plain).
var Undefined = UndefinedValue{}

// IsUndefined lets packages recognise Undefined without importing this one.
func (UndefinedValue) IsUndefined() bool { return true }

// MarshalJSON writes null.
func (UndefinedValue) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// Opaque is an object that is no plain JSON object but has a JSON form, for
// instance a luxon Duration. A conversion to text writes the JSON text of the
// form; anything that stores it keeps the form itself (see Plain).
type Opaque struct{ JSON any }

// JSONValue returns the JSON form.
func (o Opaque) JSONValue() any { return o.JSON }

// MarshalJSON writes the JSON form.
func (o Opaque) MarshalJSON() ([]byte, error) { return workflow.AppendJSON(nil, o.JSON) }

// Symbol is a JavaScript symbol: it has a text, but no JSON form, so that a
// field it is stored in is left out.
type Symbol struct{ Text string }

// SymbolText lets packages recognise a Symbol without importing this one.
func (s Symbol) SymbolText() string { return s.Text }

// MarshalJSON writes null.
func (Symbol) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// Plain returns v as JSON kinds only: Undefined becomes nil and an Opaque its
// JSON form, at any depth. Values that hold neither are returned as they are.
func Plain(v any) any {
	switch v := v.(type) {
	case UndefinedValue, Symbol:
		return nil
	case Opaque:
		return v.JSON
	case []any:
		return mapList(v, Plain)
	case *workflow.Object:
		return mapObject(v, Plain)
	}
	return v
}
