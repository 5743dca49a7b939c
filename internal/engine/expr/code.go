package expr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"

	"flowgate/internal/workflow"
)

type timer struct {
	id   int64
	due  time.Time
	run  goja.Callable
	args []goja.Value
	step time.Duration // of an interval, 0 for a timeout
}

type compiledCode struct {
	program *goja.Program
	need    needs
	err     error
}

// Code runs user JavaScript in a realm of its own, in this process. Errors
// are *Error; what the code printed comes back with them. Static data is
// changed in place when the code succeeds.
func (s *Session) Code(ctx context.Context, sc *Scope, req CodeRequest) (CodeResult, error) {
	c := s.pool.code(req.Source)
	if c.err != nil {
		return CodeResult{}, c.err
	}
	v, err := newCodeVM(s.pool, c.need)
	if err != nil {
		return CodeResult{}, err
	}
	inner := &Session{pool: s.pool, vm: v, depth: 1}
	local := *sc
	local.InputIndex, local.Inputs = 0, [][]workflow.Item{req.Items}
	if len(sc.Inputs) > 1 {
		local.Inputs = append(local.Inputs, sc.Inputs[1:]...)
	}
	inner.frame = frame{&local, req.Index}
	v.s = inner
	s.pool.watch.add(&inner.run)
	defer s.pool.watch.remove(&inner.run)
	var out CodeResult
	err = v.guarded(ctx, s.pool.opts.CodeTimeout, true, func() error {
		val, err := v.runCode(ctx, c.program, req)
		if err != nil {
			return err
		}
		out, err = v.codeResult(val)
		return err
	})
	out.Console = v.console
	if err != nil {
		e := asError(err, KindCode)
		e.Expression = ""
		return out, e
	}
	return out, nil
}

func (p *Pool) code(source string) *compiledCode {
	p.mu.Lock()
	c, ok := p.codes[source]
	p.mu.Unlock()
	if ok {
		return c
	}
	c = compileCode(source)
	if !p.confined {
		c.need.words = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.codes) >= maxCodes {
		dropSome(p.codes)
	}
	p.codes[source] = c
	return c
}

// compileCode compiles user code as the body of a function. It keeps its
// line numbers.
func compileCode(source string) *compiledCode {
	c := &compiledCode{need: needsOf(source)}
	if err := checkSource(source+" ", maxCodeBytes); err != nil && err.(*Error).Kind != KindSyntax {
		c.err = err
		return c
	}
	prg, err := parser.ParseFile(nil, "code", "(async function () {"+source+"\n})", 0, parser.WithDisableSourceMaps)
	if err != nil {
		c.err = codeSyntax(err)
		return c
	}
	if c.program, err = compileProgram(prg); err != nil {
		c.err = syntaxError(err, "")
	}
	return c
}

// CheckCode reports why the source of a code node cannot be parsed, as an
// *Error with its line; nil when it can.
func CheckCode(source string) error {
	if c := compileCode(source); c.err != nil {
		return c.err
	}
	return nil
}

func codeSyntax(err error) *Error {
	e := syntaxError(err, "")
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		e.Pos = list[0].Position.Line
		e.Message += fmt.Sprintf(" [line %d]", e.Pos)
	}
	return e
}
