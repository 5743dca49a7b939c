package expr

import (
	"reflect"

	"github.com/dop251/goja/ast"
)

// The tree of the parser has some eighty node types; what needs no treatment
// of its own is walked by reflection. Trees are compiled once and cached.

// children rewrites every expression below v, which is a node.
func (r *rewriter) children(v reflect.Value, chain bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			r.children(v.Elem(), chain)
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.child(v.Index(i), chain)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "DeclarationList" && f.IsExported() {
				r.child(v.Field(i), chain)
			}
		}
	}
}

// child rewrites one field or element in place.
func (r *rewriter) child(v reflect.Value, chain bool) {
	if v.Kind() != reflect.Interface {
		if holdsNodes(v.Kind()) {
			r.children(v, chain)
		}
		return
	}
	if v.IsNil() {
		return
	}
	switch n := v.Interface().(type) {
	case *ast.Identifier:
		if v.Type() == expressionType {
			v.Set(reflect.ValueOf(r.name(n)))
		}
	case *ast.ForIntoExpression:
		n.Expression = r.target(n.Expression)
	case ast.Expression:
		if out := r.expr(n, false); v.Type() == expressionType && out != nil {
			v.Set(reflect.ValueOf(out))
		}
	default:
		r.children(v, false)
	}
}

func holdsNodes(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Struct
}

var expressionType = reflect.TypeFor[ast.Expression]()

// walk calls f for every node below v, parents first; false skips the node.
func walk(v reflect.Value, f func(reflect.Value) bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && f(v) {
			walk(v.Elem(), f)
		}
	case reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if fd := v.Type().Field(i); fd.Name != "DeclarationList" && fd.IsExported() {
				walk(v.Field(i), f)
			}
		}
	}
}

// declaredNames gathers the names that anything below v declares. A name
// declared anywhere counts everywhere: where it is not in scope its use
// throws, which leaves the same undefined.
func declaredNames(v reflect.Value, names map[string]bool, binding bool) {
	walk(v, func(v reflect.Value) bool {
		switch n := v.Interface().(type) {
		case *ast.Identifier:
			if binding {
				names[n.Name.String()] = true
			}
		case *ast.Binding:
			declaredNames(reflect.ValueOf(n.Target), names, true)
		case *ast.FunctionLiteral:
			declare(n.Name, names)
			if n.ParameterList != nil && n.ParameterList.Rest != nil {
				declaredNames(reflect.ValueOf(n.ParameterList.Rest), names, true)
			}
		case *ast.ArrowFunctionLiteral:
			if n.ParameterList != nil && n.ParameterList.Rest != nil {
				declaredNames(reflect.ValueOf(n.ParameterList.Rest), names, true)
			}
		case *ast.ClassLiteral:
			declare(n.Name, names)
		case *ast.CatchStatement:
			if n.Parameter != nil {
				declaredNames(reflect.ValueOf(n.Parameter), names, true)
			}
		case *ast.ForDeclaration:
			declaredNames(reflect.ValueOf(n.Target), names, true)
		case *ast.PropertyShort:
			if binding {
				names[n.Name.Name.String()] = true
			}
		}
		return true
	})
	if binding {
		names["arguments"] = true
	}
}

func declare(id *ast.Identifier, names map[string]bool) {
	if id != nil {
		names[id.Name.String()] = true
	}
}
