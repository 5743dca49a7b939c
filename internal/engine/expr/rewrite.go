package expr

import (
	"reflect"
	"strconv"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// Names of the helpers that rewritten code calls. No source can spell them.
const (
	helperExtend   = "#ext"    // a.method(x), where method may be one of the format's
	helperOptional = "#extopt" // the same behind ?.
	helperKey      = "#key"    // a[key]
	helperStore    = "#store"  // a[key] = …
	helperText     = "#text"   // `…${}…` of many parts
	helperExtra    = "#extra"  // $name that is not built in
	helperAdd      = "#add"    // a + b where it may be done again and again
	helperList     = "#list"   // […a, …b] there
	helperWide     = "#wide"   // {…a}
	wholeText      = "#whole"  // a property of text, asked for before {…a} takes its letters
)

// rewriter changes the tree of an expression into what runs: method calls
// that may mean the format's own methods go through a helper, unknown names
// become undefined, and forbidden constructs are refused.
type rewriter struct {
	declared map[string]bool
	err      *Error
	luxon    bool
	mutates  bool
	repeats  bool     // holds functions, so that anything may be done many times
	nodes    []string // literal names in $("…"), $node["…"], $items("…")
}

func newRewriter(prg *ast.Program) *rewriter {
	r := &rewriter{declared: map[string]bool{}}
	declaredNames(reflect.ValueOf(prg.Body), r.declared, false)
	walk(reflect.ValueOf(prg.Body), func(v reflect.Value) bool {
		switch v.Interface().(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral, *ast.ClassLiteral:
			r.repeats = true
		}
		return !r.repeats
	})
	return r
}

func (r *rewriter) fail(kind Kind, at file.Idx, message string) {
	if r.err == nil {
		r.err = &Error{Kind: kind, Message: message, Pos: max(0, int(at)-1-len(parsePrefix))}
	}
}

// expr returns what e becomes. chain is set inside an optional chain.
func (r *rewriter) expr(e ast.Expression, chain bool) ast.Expression {
	switch e := e.(type) {
	case nil:
		return nil
	case *ast.Identifier:
		return r.name(e)
	case *ast.CallExpression:
		return r.call(e, chain)
	case *ast.DotExpression:
		r.property(string(e.Identifier.Name), e.Identifier.Idx)
		r.luxon = r.luxon || e.Identifier.Name == "params" || e.Identifier.Name == "parameter"
		if isName(e.Left, "$node") {
			r.nodes = append(r.nodes, e.Identifier.Name.String())
		}
		e.Left = r.expr(e.Left, chain)
		return e
	case *ast.BracketExpression:
		if lit, ok := e.Member.(*ast.StringLiteral); ok && isName(e.Left, "$node") {
			r.nodes = append(r.nodes, lit.Value.String())
		}
		e.Left = r.expr(e.Left, chain)
		e.Member = r.member(e.Member)
		return e
	case *ast.OptionalChain:
		e.Expression = r.expr(e.Expression, true)
		return e
	case *ast.Optional:
		e.Expression = r.expr(e.Expression, chain)
		return e
	case *ast.AssignExpression:
		r.mutates = true
		return r.assign(e)
	case *ast.UnaryExpression:
		if e.Operator == token.INCREMENT || e.Operator == token.DECREMENT {
			r.mutates = true
			e.Operand = r.target(e.Operand)
			return e
		}
		r.mutates = r.mutates || e.Operator == token.DELETE
	case *ast.NumberLiteral:
		if n := e.Literal; n != "" && n[len(n)-1] == 'n' {
			r.fail(KindSecurity, e.Idx, "BigInt is not available in expressions")
		}
	case *ast.BinaryExpression:
		if e.Operator == token.PLUS && r.repeats {
			return helper(helperAdd, e.Idx0(), r.expr(e.Left, false), r.expr(e.Right, false))
		}
	case *ast.ArrayLiteral:
		if r.repeats && hasSpread(e) {
			r.children(reflect.ValueOf(e), false)
			return helper(helperList, e.LeftBracket, e)
		}
	case *ast.TemplateLiteral:
		return r.text(e)
	case *ast.ObjectLiteral:
		r.object(e)
		return e
	case *ast.ObjectPattern:
		r.children(reflect.ValueOf(e), false)
		r.patternKeys(e)
		guardRest(e)
		return e
	}
	r.children(reflect.ValueOf(e), chain)
	return e
}

// name resolves a free name: unknown ones are undefined, as the format has it.
func (r *rewriter) name(id *ast.Identifier) ast.Expression {
	name := id.Name.String()
	switch {
	case r.declared[name]:
	case luxonNames[name]:
		r.luxon = true
	case name == "$parameter" || name == "$evaluateExpression":
		r.luxon = true // what it evaluates may need dates
	case knownNames[name]:
	case name == "eval" || name == "Function":
		r.fail(KindSecurity, id.Idx, name+" is not available in expressions")
	case name != "" && name[0] == '$':
		return helper(helperExtra, id.Idx, stringLiteral(name, id.Idx))
	default:
		return undefined(id.Idx)
	}
	return id
}

// call rewrites a.method(…) where method is one of the format's.
func (r *rewriter) call(e *ast.CallExpression, chain bool) ast.Expression {
	r.reference(e)
	dot, _ := e.Callee.(*ast.DotExpression)
	method := ""
	if dot != nil {
		method = dot.Identifier.Name.String()
	}
	extended := dot != nil && extensionNames[method] && !r.builtin(dot.Left)
	r.mutates = r.mutates || dot == nil && !isIdentifier(e.Callee) || mutators[method]
	e.Callee = r.expr(e.Callee, chain)
	for i := range e.ArgumentList {
		e.ArgumentList[i] = r.expr(e.ArgumentList[i], false)
	}
	if !extended {
		return e
	}
	r.luxon = r.luxon || luxonMethods[method]
	name := helperExtend
	if chain {
		name = helperOptional
	}
	left := dot.Left
	if opt, ok := left.(*ast.Optional); ok {
		left = opt.Expression
	}
	if chain { // what is optional in it must not jump out of the arguments
		left = &ast.OptionalChain{Expression: left}
	}
	args := append([]ast.Expression{left, stringLiteral(method, dot.Identifier.Idx)}, e.ArgumentList...)
	return helper(name, e.LeftParenthesis, args...)
}

// builtin reports whether e is a name whose own methods are always meant.
func (r *rewriter) builtin(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.Identifier:
		name := e.Name.String()
		return !r.declared[name] && builtinObjects[name]
	case *ast.CallExpression:
		id, ok := e.Callee.(*ast.Identifier)
		return ok && id.Name == "$"
	}
	return false
}

// reference notes the node a call of $ or $items names.
func (r *rewriter) reference(e *ast.CallExpression) {
	id, ok := e.Callee.(*ast.Identifier)
	if !ok || (id.Name != "$" && id.Name != "$items") || len(e.ArgumentList) == 0 {
		return
	}
	if lit, ok := e.ArgumentList[0].(*ast.StringLiteral); ok {
		r.nodes = append(r.nodes, lit.Value.String())
	}
}

// member guards a computed property name.
func (r *rewriter) member(e ast.Expression) ast.Expression {
	switch lit := e.(type) {
	case *ast.StringLiteral:
		r.property(lit.Value.String(), lit.Idx)
		return e
	case *ast.NumberLiteral:
		return r.expr(e, false)
	}
	return helper(helperKey, e.Idx0(), r.expr(e, false))
}

func (r *rewriter) property(name string, at file.Idx) {
	if forbidden[name] {
		r.fail(KindSecurity, at, "access to "+strconv.Quote(name)+" is not allowed in expressions")
	}
}

// text sends a template of many parts, whose size the VM does not bound,
// through a helper.
func (r *rewriter) text(e *ast.TemplateLiteral) ast.Expression {
	if e.Tag != nil || len(e.Expressions) <= 8 && !(r.repeats && len(e.Expressions) > 1) {
		r.children(reflect.ValueOf(e), false)
		return e
	}
	var args []ast.Expression
	for i, el := range e.Elements {
		args = append(args, &ast.StringLiteral{Idx: el.Idx, Value: el.Parsed})
		if i < len(e.Expressions) {
			args = append(args, r.expr(e.Expressions[i], false))
		}
	}
	return helper(helperText, e.OpenQuote, args...)
}

// object rewrites {name} as {name: name} and checks the keys.
func (r *rewriter) object(e *ast.ObjectLiteral) {
	for i, p := range e.Value {
		switch p := p.(type) {
		case *ast.PropertyShort:
			name := p.Name
			key := &ast.StringLiteral{Idx: name.Idx, Literal: name.Name.String(), Value: name.Name}
			e.Value[i] = &ast.PropertyKeyed{Key: key, Kind: ast.PropertyKindValue, Value: r.name(&name)}
		case *ast.PropertyKeyed:
			if lit, ok := p.Key.(*ast.StringLiteral); ok && lit.Value == "__proto__" {
				r.property("__proto__", lit.Idx)
			}
			if p.Computed {
				p.Key = helper(helperKey, p.Key.Idx0(), r.expr(p.Key, false))
			}
			p.Value = r.expr(p.Value, false)
		case *ast.SpreadElement:
			p.Expression = helper(helperWide, p.Expression.Idx0(), r.expr(p.Expression, false))
		default:
			r.children(reflect.ValueOf(p), false)
		}
	}
}

// guardRest lets a pattern with a rest ask its object for wholeText first,
// which text that is too long refuses: {"#whole": {} = 0, ...rest}.
func guardRest(e *ast.ObjectPattern) {
	if e.Rest == nil {
		return
	}
	at := e.LeftBrace
	name := stringLiteral(wholeText, at).(*ast.StringLiteral)
	nothing := &ast.AssignExpression{Operator: token.ASSIGN, Left: &ast.ObjectPattern{LeftBrace: at, RightBrace: at},
		Right: &ast.NumberLiteral{Idx: at, Literal: "0", Value: int64(0)}}
	e.Properties = append(e.Properties, &ast.PropertyKeyed{Key: name, Kind: ast.PropertyKindValue, Value: nothing})
}

func isName(e ast.Expression, name unistring.String) bool {
	id, ok := e.(*ast.Identifier)
	return ok && id.Name == name
}

func isIdentifier(e ast.Expression) bool {
	_, ok := e.(*ast.Identifier)
	return ok
}

func helper(name string, at file.Idx, args ...ast.Expression) ast.Expression {
	return &ast.CallExpression{
		Callee:          &ast.Identifier{Name: unistring.String(name), Idx: at},
		LeftParenthesis: at, ArgumentList: args, RightParenthesis: at,
	}
}

func stringLiteral(s string, at file.Idx) ast.Expression {
	return &ast.StringLiteral{Idx: at, Literal: strconv.Quote(s), Value: unistring.NewFromString(s)}
}

func undefined(at file.Idx) ast.Expression {
	return &ast.UnaryExpression{Operator: token.VOID, Idx: at,
		Operand: &ast.NumberLiteral{Idx: at, Literal: "0", Value: int64(0)}}
}
