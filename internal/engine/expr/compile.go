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
		return nil, syntaxError(err, src)
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
		return nil, syntaxError(err, src)
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
	writeOutLiterals(prg)
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

// syntaxError turns a parser's error into ours, placed in src.
func syntaxError(err error, src string) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	out := &Error{Kind: KindSyntax, Message: "invalid syntax: " + err.Error(), Pos: -1}
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		out.Message = "invalid syntax: " + list[0].Message
		out.Pos = offsetOf(src, list[0].Position.Line, list[0].Position.Column)
	}
	var ce *goja.CompilerSyntaxError
	if errors.As(err, &ce) {
		out.Message = "invalid syntax: " + ce.Message
	}
	return out
}

// offsetOf is the byte offset in src of a line and column of the parser,
// which saw the prefix before it.
func offsetOf(src string, line, column int) int {
	text := parsePrefix + src
	at := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return len(src)
		}
		at += i + 1
	}
	return min(max(0, at+column-1-len(parsePrefix)), len(src))
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
