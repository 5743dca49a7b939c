package expr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
)

const (
	maxChunkBytes = 64 << 10
	maxCodeBytes  = 256 << 10
	maxNesting    = 200 // of brackets
)

// chunk is a compiled piece of code. It is immutable and shared by all VMs.
type chunk struct {
	path    *path         // set: no JavaScript needs to run
	program *goja.Program // always set
	source  string
	luxon   bool // needs a VM with the date library
	mutates bool // may change the data it is given
	nodes   []string
}

// parsePrefix makes the source an expression, so that "{" opens an object
// literal; the sequence's first element is dropped again.
const parsePrefix = "0,"

func compileChunk(src string) (*chunk, error) {
	if err := checkSource(src, maxChunkBytes); err != nil {
		return nil, err
	}
	prg, err := parser.ParseFile(nil, "expression", parsePrefix+src+"\n", 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, syntaxError(err, -len(parsePrefix))
	}
	body, err := firstExpression(prg)
	if err != nil {
		return nil, err
	}
	r := newRewriter(prg)
	if prg.Body[0] = (&ast.ExpressionStatement{Expression: r.expr(body, false)}); r.err != nil {
		return nil, r.err
	}
	prg.Body = prg.Body[:1]
	program, err := compileProgram(prg)
	if err != nil {
		return nil, syntaxError(err, -len(parsePrefix))
	}
	return &chunk{path: parsePath(src), program: program, source: src,
		luxon: r.luxon, mutates: r.mutates, nodes: r.nodes}, nil
}

// compileProgram compiles a tree; the compiler's own panics become errors.
func compileProgram(prg *ast.Program) (p *goja.Program, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("invalid syntax: %v", x)
		}
	}()
	return goja.CompileAST(prg, false)
}

// firstExpression returns the expression a chunk stands for: its first
// statement, without the prefix.
func firstExpression(prg *ast.Program) (ast.Expression, error) {
	if len(prg.Body) == 0 {
		return nil, failure(KindSyntax, "invalid syntax: the expression is empty")
	}
	st, ok := prg.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil, failure(KindSyntax, "invalid syntax: not an expression")
	}
	seq, ok := st.Expression.(*ast.SequenceExpression)
	if !ok || len(seq.Sequence) < 2 {
		return nil, failure(KindSyntax, "invalid syntax: not an expression")
	}
	if len(seq.Sequence) == 2 {
		return seq.Sequence[1], nil
	}
	return &ast.SequenceExpression{Sequence: seq.Sequence[1:]}, nil
}

// syntaxError turns a parser's error into ours; shift is added to its offset.
func syntaxError(err error, shift int) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	out := &Error{Kind: KindSyntax, Message: "invalid syntax: " + err.Error(), Pos: -1}
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		out.Message = "invalid syntax: " + list[0].Message
		if list[0].Position.Line == 1 {
			out.Pos = max(0, list[0].Position.Column-1+shift)
		}
	}
	var ce *goja.CompilerSyntaxError
	if errors.As(err, &ce) {
		out.Message = "invalid syntax: " + ce.Message
	}
	return out
}

// checkSource refuses sources that would exhaust the stack of the parser,
// which recurses: a dozen calls for a bracket, few for a prefix operator,
// whose number the size bounds.
func checkSource(src string, limit int) error {
	if len(src) > limit {
		return failure(KindMemory, fmt.Sprintf("the code is larger than %d KiB", limit>>10))
	}
	if strings.TrimSpace(src) == "" {
		return failure(KindSyntax, "invalid syntax: the expression is empty")
	}
	depth := 0
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '(', '[', '{':
			if depth++; depth > maxNesting {
				return failure(KindMemory, fmt.Sprintf("the code is nested deeper than %d levels", maxNesting))
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return nil
}
