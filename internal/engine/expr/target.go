package expr

import (
	"reflect"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// target rewrites what is assigned to. Arrays cannot be given a length or an
// index that native loops would take too long over.
func (r *rewriter) target(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.Identifier:
		return e
	case *ast.DotExpression:
		if e.Identifier.Name == "length" {
			r.fail(KindMemory, e.Identifier.Idx, "length cannot be assigned in expressions")
		}
		return r.expr(e, false)
	case *ast.BracketExpression:
		simple := isIdentifier(e.Left)
		left := e.Left
		e.Left = r.expr(left, false)
		if lit, ok := e.Member.(*ast.StringLiteral); ok && lit.Value != "length" && arrayIndex(lit.Value.String()) < 0 {
			r.property(lit.Value.String(), lit.Idx)
			return e
		}
		if !simple {
			left = undefined(e.LeftBracket)
		} else {
			left = e.Left
		}
		e.Member = helper(helperStore, e.LeftBracket, left, r.expr(e.Member, false))
		return e
	case *ast.ObjectPattern, *ast.ArrayPattern:
		r.pattern(reflect.ValueOf(e))
		return r.expr(e, false)
	}
	return r.expr(e, false)
}

// assign rewrites an assignment. a += b becomes a = a + b where that has to
// be guarded; what a names is evaluated twice then.
func (r *rewriter) assign(e *ast.AssignExpression) ast.Expression {
	left := e.Left
	e.Left = r.target(e.Left)
	e.Right = r.expr(e.Right, false)
	if e.Operator != token.PLUS || !r.repeats {
		return e
	}
	switch left.(type) {
	case *ast.Identifier, *ast.DotExpression, *ast.BracketExpression:
		e.Operator = token.ASSIGN
		e.Right = helper(helperAdd, e.Idx0(), left, e.Right)
	}
	return e
}

func hasSpread(e *ast.ArrayLiteral) bool {
	for _, v := range e.Value {
		if _, ok := v.(*ast.SpreadElement); ok {
			return true
		}
	}
	return false
}

// pattern refuses properties as targets of destructuring.
func (r *rewriter) pattern(v reflect.Value) {
	walk(v, func(v reflect.Value) bool {
		switch e := v.Interface().(type) {
		case *ast.DotExpression:
			r.fail(KindSecurity, e.Identifier.Idx, "destructuring into properties is not available in expressions")
		case *ast.BracketExpression:
			r.fail(KindSecurity, e.LeftBracket, "destructuring into properties is not available in expressions")
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
			return false
		}
		return true
	})
}

// patternKeys guards the names that destructuring reads.
func (r *rewriter) patternKeys(e *ast.ObjectPattern) {
	for _, p := range e.Properties {
		switch p := p.(type) {
		case *ast.PropertyShort:
			r.property(p.Name.Name.String(), p.Name.Idx)
		case *ast.PropertyKeyed:
			if lit, ok := p.Key.(*ast.StringLiteral); ok {
				r.property(lit.Value.String(), lit.Idx)
			} else if p.Computed {
				p.Key = helper(helperKey, p.Key.Idx0(), p.Key)
			}
		}
	}
}
