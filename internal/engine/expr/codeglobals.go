package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

const (
	maxConsoleLines = 1000
	maxConsoleBytes = 256 << 10
	maxTimers       = 10_000
)

// newCodeVM makes a realm for one run of user code: not frozen, since it is
// thrown away, and with what code expects around it.
func newCodeVM(p *Pool, need needs) (*vm, error) {
	need.code = true
	v, err := newVM(p, need)
	if err != nil {
		return nil, fmt.Errorf("setting up the interpreter: %w", err)
	}
	v.code = true
	shims := v.codeNatives().object()
	var files []string
	if need.anyOf(shimNames...) {
		files = append(files, "shims.js")
	}
	if need.bytes {
		files = append(files, "bytes.js")
	}
	if need.urls {
		files = append(files, "url.js")
	}
	for _, name := range files {
		if _, err := v.loadWith(name, shims); err != nil {
			return nil, fmt.Errorf("setting up the interpreter: %w", err)
		}
	}
	return v, nil
}

// codeGlobals sets what the request's mode shows, and returns what "this" is.
func (v *vm) codeGlobals(req CodeRequest) (goja.Value, error) {
	global := v.rt.GlobalObject()
	switch req.Mode {
	case ModeAll, ModeFunction:
		if v.need.uses("items") {
			_ = global.Set("items", v.items(req.Items))
		}
	case ModeEach, ModeFunctionItem:
		if req.Index < 0 || req.Index >= len(req.Items) {
			return nil, failure(KindCode, fmt.Sprintf("there is no item %d", req.Index))
		}
		if !v.need.uses("item") {
			break
		}
		it := v.item(&req.Items[req.Index])
		if req.Mode == ModeFunctionItem {
			it = v.json(req.Items[req.Index].JSON)
		}
		_ = global.Set("item", it)
	default:
		return nil, failure(KindCode, fmt.Sprintf("unknown mode %q", req.Mode))
	}
	this := global.Get("#this")
	if this == nil {
		return goja.Undefined(), nil
	}
	return this, nil
}

// codeNatives are the functions of Go behind js/shims.js.
func (v *vm) codeNatives() *lazyFunctions {
	o := v.lazy(map[string]func(a args) goja.Value{
		"print":      v.print,
		"timer":      v.addTimer,
		"clear":      v.clearTimer,
		"staticData": v.staticData,
		"stringify":  v.stringify,
		"limit": func(a args) goja.Value {
			v.abort(failure(KindMemory, a.text(0)))
			return nil
		},
		"refuse": func(a args) goja.Value {
			v.throw(failure(KindSecurity, a.text(0)))
			return nil
		},
		"bytes": func(a args) goja.Value {
			data, err := decodeBytes(a.text(0), a.text(1))
			if err != nil {
				panic(v.rt.NewTypeError(err.Error()))
			}
			return v.rt.ToValue(v.rt.NewArrayBuffer(data))
		},
		"text": func(a args) goja.Value {
			buf, ok := a.at(0).Export().(goja.ArrayBuffer)
			if !ok {
				return v.rt.ToValue("")
			}
			data := buf.Bytes()
			from, to := a.int(2), a.int(3)
			if from < 0 || to > len(data) || from > to {
				return v.rt.ToValue("")
			}
			return v.rt.ToValue(encodeBytes(data[from:to], a.text(1)))
		},
		"random": func(a args) goja.Value {
			data := make([]byte, min(max(a.int(0), 0), 65536))
			r := v.chance()
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			return v.rt.ToValue(v.rt.NewArrayBuffer(data))
		},
		"parseURL": v.parseURL,
		"uses":     v.usesAny,
	})
	o.values["maxBytes"] = v.rt.ToValue(v.pool.opts.MaxStringBytes)
	return o
}

func (v *vm) print(a args) goja.Value {
	line := a.text(0)
	if len(v.console) >= maxConsoleLines || v.printed+len(line) > maxConsoleBytes {
		if v.printed <= maxConsoleBytes {
			v.console = append(v.console, "… more output was dropped")
			v.printed = maxConsoleBytes + 1
		}
		return goja.Undefined()
	}
	v.printed += len(line)
	v.console = append(v.console, line)
	return goja.Undefined()
}

// addTimer is setTimeout and, with a fourth argument, setInterval.
func (v *vm) addTimer(a args) goja.Value {
	f, ok := goja.AssertFunction(a.at(0))
	if !ok {
		panic(v.rt.NewTypeError("the callback must be a function"))
	}
	if len(v.timers) >= maxTimers {
		v.abort(failure(KindMemory, "too many timers"))
	}
	d := time.Duration(max(0, min(a.at(1).ToFloat(), 1e9)) * float64(time.Millisecond))
	v.lastTimer++
	t := &timer{id: v.lastTimer, due: time.Now().Add(d), run: f}
	if extra, isList := a.at(2).(*goja.Object); isList {
		_ = v.rt.ExportTo(extra, &t.args)
	}
	if a.bool(3) {
		t.step = max(d, time.Millisecond)
	}
	v.timers = append(v.timers, t)
	return v.rt.ToValue(t.id)
}

func (v *vm) clearTimer(a args) goja.Value {
	id := a.at(0).ToInteger()
	for i, t := range v.timers {
		if t.id == id {
			v.timers = append(v.timers[:i:i], v.timers[i+1:]...)
			break
		}
	}
	return goja.Undefined()
}

// textOfJSON is how a thrown value reads.
func textOfJSON(val any) string {
	if s, ok := val.(string); ok {
		return s
	}
	b, err := workflow.AppendJSON(nil, val)
	if err != nil {
		return ""
	}
	return string(b)
}

// lineOf finds the line of user code in a stack trace, -1 when there is none.
func lineOf(stack string) int {
	var line int
	for _, l := range strings.Split(stack, "\n") {
		if i := strings.Index(l, "code:"); i >= 0 {
			if _, err := fmt.Sscanf(l[i:], "code:%d", &line); err == nil {
				return line
			}
		}
	}
	return -1
}
