package expr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// runCode calls the code and waits for what it promises.
func (v *vm) runCode(ctx context.Context, p *goja.Program, req CodeRequest) (goja.Value, error) {
	this, err := v.codeGlobals(req)
	if err != nil {
		return nil, err
	}
	f, err := v.rt.RunProgram(p)
	if err != nil {
		return nil, v.codeError(err)
	}
	call, _ := goja.AssertFunction(f)
	out, err := call(this)
	if err != nil {
		return nil, v.codeError(err)
	}
	promise, ok := out.Export().(*goja.Promise)
	if !ok {
		return out, nil
	}
	for promise.State() == goja.PromiseStatePending {
		if err := v.nextTimer(ctx); err != nil {
			return nil, v.codeError(err)
		}
	}
	if promise.State() == goja.PromiseStateRejected {
		return nil, placed(v.rejected(promise.Result()))
	}
	return promise.Result(), nil
}

func (v *vm) codeResult(val goja.Value) (CodeResult, error) {
	if goja.IsUndefined(val) {
		return CodeResult{Undefined: true}, v.keepStatic()
	}
	out, err := v.exporter().value(val, 1)
	if err != nil {
		return CodeResult{}, err
	}
	if out == any(Undefined) {
		return CodeResult{Undefined: true}, v.keepStatic()
	}
	return CodeResult{Value: out}, v.keepStatic()
}

// codeError turns an error of the VM into one for the person whose code it was.
func (v *vm) codeError(err error) error {
	if own := v.failed(err); own != nil {
		return own
	}
	var ex *goja.Exception
	if errors.As(err, &ex) {
		e := v.rejected(ex.Value())
		if own, ok := e.(*Error); ok && own.Pos < 0 {
			for _, fr := range ex.Stack() {
				if fr.SrcName() == "code" {
					own.Pos = fr.Position().Line
					break
				}
			}
		}
		return placed(e)
	}
	return failure(KindCode, err.Error())
}

// placed adds to the message of an exception the line it was thrown at.
func placed(err error) error {
	e, ok := err.(*Error)
	if !ok || e.Kind != KindCode || e.Pos < 1 {
		return err
	}
	if mark := fmt.Sprintf("[line %d]", e.Pos); !strings.HasSuffix(e.Message, mark) {
		e.Message = strings.TrimSpace(e.Message + " " + mark)
	}
	return e
}

// rejected describes what code threw.
func (v *vm) rejected(val goja.Value) error {
	obj, ok := val.(*goja.Object)
	if !ok {
		return failure(KindCode, val.String())
	}
	if obj == v.thrown && v.failure != nil {
		return v.failure
	}
	e := failure(KindCode, "")
	if m := obj.Get("message"); m != nil && !goja.IsUndefined(m) {
		e.Message = m.String()
	} else if text, err := v.exporter().value(obj, 1); err == nil {
		e.Message = textOfJSON(text)
	}
	if n := obj.Get("name"); n != nil && !goja.IsUndefined(n) {
		e.Name = n.String()
	}
	if st := obj.Get("stack"); st != nil && !goja.IsUndefined(st) {
		e.Stack = st.String()
		e.Pos = lineOf(e.Stack)
	}
	return e
}

// nextTimer waits for the next timer and runs it.
func (v *vm) nextTimer(ctx context.Context) error {
	if len(v.timers) == 0 {
		return failure(KindCode, "the code waits for a promise that is never fulfilled")
	}
	at := 0
	for i, t := range v.timers {
		if t.due.Before(v.timers[at].due) {
			at = i
		}
	}
	t := v.timers[at]
	v.timers = append(v.timers[:at:at], v.timers[at+1:]...)
	if err := v.sleep(ctx, time.Until(t.due)); err != nil {
		return err
	}
	if t.step > 0 {
		t.due = time.Now().Add(t.step)
		v.timers = append(v.timers, t)
	}
	_, err := t.run(goja.Undefined(), t.args...)
	return err
}

// sleep waits, ending early when the run is told to stop.
func (v *vm) sleep(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return failure(KindTimeout, "the code was stopped: "+ctx.Err().Error())
		case <-time.After(min(left, 50*time.Millisecond)):
		}
		if v.s.run.dead() {
			return failure(KindTimeout, "timed out")
		}
	}
}
