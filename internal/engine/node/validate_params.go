package node

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"flowgate/internal/workflow"
)

// parameters checks a node's parameters against its type's struct and returns
// the paths that hold no expressions.
func (c *checker) parameters(n *workflow.Node, t *Type, path string) map[string]bool {
	version := n.TypeVersion
	if version == 0 {
		version = t.Newest()
	}
	params := t.ParamsFor(version)
	verbatim := map[string]bool{}
	if params == nil {
		return verbatim
	}
	w := paramWalk{checker: c, node: n, version: version, verbatim: verbatim}
	w.structure(planOf(reflect.TypeOf(params)), n.Parameters, path, nil)
	return verbatim
}

type paramWalk struct {
	*checker
	node     *workflow.Node
	version  float64
	verbatim map[string]bool
}

func (w *paramWalk) structure(p *plan, src *workflow.Object, path string, outer *scope) {
	s := &scope{version: w.version, text: func(name string) (string, bool) {
		raw, ok := src.Get(name)
		if i, declared := p.byName[name]; !ok && declared {
			raw = p.fields[i].def
			if raw == nil && p.fields[i].typ.Kind() == reflect.Bool {
				raw = false
			}
		}
		if isExpression(raw) {
			return "", false
		}
		return plainText(raw), true
	}}
	if outer != nil {
		s.root = outer.top()
	}
	for i := range p.fields {
		w.field(&p.fields[i], src, path, s)
	}
	for _, key := range src.Keys() {
		if _, ok := p.byName[key]; !ok && !strings.HasPrefix(key, "__") {
			w.unknown(p, key, path)
		}
	}
}

func (w *paramWalk) field(f *field, src *workflow.Object, path string, s *scope) {
	at := path + "." + f.name
	show, certain := shown(f.show, s)
	if !show {
		return
	}
	raw, ok := src.Get(f.name)
	if !ok || raw == nil || raw == "" {
		if f.required && certain && !f.hasDef {
			w.fault(w.node, workflow.Finding{Code: FindingMissingParameter, Path: at,
				Message: fmt.Sprintf("Parameter %q is missing.", f.name), Hint: f.doc})
		}
		return
	}
	if f.verbatim {
		w.verbatim[at] = true
	} else if isExpression(raw) {
		return
	}
	w.value(raw, f.typ, at, s)
	if s, ok := raw.(string); ok && len(f.enum) > 0 && !contains(f.enum, s) {
		w.fault(w.node, workflow.Finding{Code: FindingBadParameter, Path: at,
			Message: fmt.Sprintf("Parameter %q cannot be %q.", f.name, clip(s, 60)),
			Hint:    "Use one of: " + strings.Join(f.enum, ", ") + "."})
	}
}

func (w *paramWalk) value(raw any, t reflect.Type, at string, s *scope) {
	if raw == nil || isExpression(raw) || t == valueType {
		return
	}
	if implementsRaw(t) {
		if !reflect.New(t).Interface().(rawReader).fromRaw(raw) {
			w.bad(badType(at, raw, "text or a list of texts"), at)
		}
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		w.object(raw, t, at, s)
		return
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Interface {
			list, ok := raw.([]any)
			if !ok {
				list = []any{raw}
			}
			for i, e := range list {
				w.value(e, t.Elem(), fmt.Sprintf("%s[%d]", at, i), s)
			}
			return
		}
	case reflect.Map, reflect.Interface:
		return
	case reflect.Pointer:
		if t != objectType {
			w.value(raw, t.Elem(), at, s)
			return
		}
	}
	if t.Kind() == reflect.String || hasExpression(raw) {
		return
	}
	if err := coerce(raw, reflect.New(t).Elem(), at); err != nil {
		w.bad(err, at)
	}
}

func (w *paramWalk) object(raw any, t reflect.Type, at string, s *scope) {
	switch v := raw.(type) {
	case *workflow.Object:
		w.structure(planOf(t), v, at, s)
		return
	case string:
		if v == "" {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
		if first, ok := v[0].(*workflow.Object); ok && len(v) == 1 {
			w.structure(planOf(t), first, at+"[0]", s)
			return
		}
	}
	w.bad(badType(at, raw, "an object"), at)
}

func (w *paramWalk) bad(err error, at string) {
	w.fault(w.node, workflow.Finding{Code: FindingBadParameter, Path: at, Message: err.Error()})
}

func (w *paramWalk) unknown(p *plan, key, path string) {
	f := workflow.Finding{Code: FindingUnknownParameter, Node: w.node.Name, Path: path + "." + key,
		Message: fmt.Sprintf("There is no parameter %q; it is ignored.", key)}
	if near := nearest(key, p.names()); near != "" {
		f.Hint = fmt.Sprintf("Did you mean %q?", near)
	} else if names := p.names(); len(names) > 0 && len(names) <= 12 {
		f.Hint = "Known: " + strings.Join(names, ", ") + "."
	}
	w.warning(f)
}

func (p *plan) names() []string {
	out := make([]string, 0, len(p.byName))
	for name := range p.byName {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// nearest is the entry of list that name may have been meant for, "" if none.
func nearest(name string, list []string) string {
	best, at := max(2, len(name)/3)+1, ""
	for _, e := range list {
		if d := distance(strings.ToLower(name), strings.ToLower(e)); d < best {
			best, at = d, e
		}
	}
	return at
}
