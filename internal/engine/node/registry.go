package node

import (
	"fmt"
	"sort"
	"strings"

	"flowgate/internal/workflow"
)

// Registry is a set of node types. It does not change after NewRegistry and
// is safe for concurrent use.
type Registry struct {
	types  []*Type
	byName map[string]*Type
	opts   RegistryOptions
}

// RegistryOptions are what validation needs from outside this package.
type RegistryOptions struct {
	// CheckExpression reports why a parameter that begins with "=" cannot be
	// parsed, nil when it can. Nil: expressions are not checked.
	CheckExpression func(expression string) error
	// CheckCode reports why the JavaScript of a code node cannot be parsed, nil
	// when it can. Nil: code is not checked.
	CheckCode func(source string) error
}

// NewRegistry returns a registry of types. Two types with one name are a
// programming mistake and panic.
func NewRegistry(types []*Type, opts RegistryOptions) *Registry {
	r := &Registry{types: types, byName: map[string]*Type{}, opts: opts}
	for _, t := range types {
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			if r.byName[name] != nil {
				panic("node: two types are named " + name)
			}
			r.byName[name] = t
		}
	}
	return r
}

// Lookup returns the type of that name or alias, nil when there is none.
func (r *Registry) Lookup(name string) *Type { return r.byName[name] }

// Types returns all types in the order they are listed. The slice must not be
// changed.
func (r *Registry) Types() []*Type { return r.types }

// Catalogue returns what documents may hold: one entry per type, with the
// schema, the ports of a node with default parameters, and examples.
func (r *Registry) Catalogue() []workflow.NodeType {
	out := make([]workflow.NodeType, 0, len(r.types))
	for _, t := range r.types {
		out = append(out, t.Entry())
	}
	return out
}

// Entry returns the type's catalogue entry.
func (t *Type) Entry() workflow.NodeType {
	n := &workflow.Node{Name: t.DisplayName, Type: t.Name, TypeVersion: t.Newest(), Parameters: &workflow.Object{}}
	return workflow.NodeType{
		Type: t.Name, DisplayName: t.DisplayName, Description: t.Description, Category: t.Category,
		Versions: t.Versions, Inputs: t.InputPorts(n), Outputs: t.OutputPorts(n),
		Credentials: t.Credentials, SideEffects: t.SideEffects,
		Parameters: Schema(t.Params), Examples: t.Examples, Docs: t.Docs,
	}
}

// Newest is the version to write into new documents.
func (t *Type) Newest() float64 {
	if len(t.Versions) == 0 {
		return 1
	}
	return t.Versions[len(t.Versions)-1]
}

// ParamsFor returns the zero value of the parameter struct of a version.
func (t *Type) ParamsFor(version float64) any {
	for _, old := range t.OldParams {
		if version < old.Below {
			return old.Params
		}
	}
	return t.Params
}

// InputPorts returns the inputs of a node of this type.
func (t *Type) InputPorts(n *workflow.Node) []workflow.Port {
	switch {
	case t.Inputs != nil:
		return t.Inputs(n)
	case t.Trigger:
		return nil
	}
	return mainPorts("input")
}

// OutputPorts returns the outputs of a node of this type, without the error
// output that an error policy adds.
func (t *Type) OutputPorts(n *workflow.Node) []workflow.Port {
	if t.Outputs != nil {
		return t.Outputs(n)
	}
	return mainPorts("output")
}

func mainPorts(names ...string) []workflow.Port {
	out := make([]workflow.Port, len(names))
	for i, name := range names {
		out[i] = workflow.Port{Name: name, Type: "main"}
	}
	return out
}

// Near returns names of types that may have been meant, best first.
func (r *Registry) Near(name string) []string {
	type candidate struct {
		name string
		d    int
	}
	want := shortName(name)
	var found []candidate
	for _, t := range r.types {
		known := t.Name
		short := shortName(known)
		d := distance(want, short)
		if want != "" && (strings.Contains(short, want) || strings.Contains(want, short)) {
			d = min(d, 2)
		}
		if d <= max(2, len(want)/3) {
			found = append(found, candidate{known, d})
		}
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].d != found[j].d {
			return found[i].d < found[j].d
		}
		return found[i].name < found[j].name
	})
	var out []string
	for i := 0; i < len(found) && i < 3; i++ {
		out = append(out, found[i].name)
	}
	return out
}

// shortName is the last part of a type name in lower case.
func shortName(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.ToLower(name)
}

// distance is the Levenshtein distance of a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := prev
			if a[i-1] != b[j-1] {
				cost = 1 + min(prev, row[j], row[j-1])
			}
			prev, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}

// example is a ready node of the type for NodeExample. Parameters are JSON
// text; text that is no JSON is a mistake in this package.
func example(title, typeName string, version float64, parameters string) workflow.NodeExample {
	if !strings.HasPrefix(strings.TrimSpace(parameters), "{") {
		panic("node: example of " + typeName + " has no parameters object")
	}
	n := fmt.Sprintf(`{"name":%q,"type":%q,"typeVersion":%s,"position":[0,0],"parameters":%s}`,
		title, typeName, workflow.AppendNumber(nil, version), parameters)
	return workflow.NodeExample{Title: title, Node: []byte(n)}
}
