package expr

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

//go:embed js/*.js js/*.json
var sources embed.FS

// libraries are the realm's own sources, compiled once per pool and only
// when first needed.
type libraries struct {
	mu       sync.Mutex
	programs map[string]*goja.Program
	locales  *locales
}

func newLibraries() *libraries {
	return &libraries{programs: map[string]*goja.Program{}, locales: &locales{}}
}

func (l *libraries) get(name string) (*goja.Program, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.programs[name]; p != nil {
		return p, nil
	}
	src, err := sources.ReadFile("js/" + name)
	if err != nil {
		return nil, err
	}
	text := string(src)
	switch name {
	case "jmespath.js":
		text = "(function () { var exports = {};" + text + "\nreturn exports; })()"
	case "luxon.min.js":
		// its classes that it does not export are reached by what it makes
		const version = `e.VERSION="3.7.2"`
		if !strings.Contains(text, version) {
			return nil, errors.New("js/luxon.min.js is another version")
		}
		text = strings.Replace(text, version, `e.inner=[b,I,Ce,Ze,We,d,$n,P,Y,H,w,J,u,n],`+version, 1)
		text = "(function () {" + text + "\nreturn luxon; }).call({})"
	}
	prg, err := parser.ParseFile(nil, name, text, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, err
	}
	p, err := compileProgram(prg)
	if err == nil {
		l.programs[name] = p
	}
	return p, err
}

// load runs a source of the realm's own and returns its value.
func (v *vm) load(name string) (goja.Value, error) {
	p, err := v.pool.libs.get(name)
	if err != nil {
		return nil, err
	}
	return v.rt.RunProgram(p)
}

// loadWith runs a source that is a function and calls it.
func (v *vm) loadWith(name string, args ...goja.Value) (*goja.Object, error) {
	val, err := v.load(name)
	if err != nil {
		return nil, err
	}
	f, ok := goja.AssertFunction(val)
	if !ok {
		return nil, fmt.Errorf("js/%s is not a function", name)
	}
	out, err := f(goja.Undefined(), args...)
	if err != nil {
		return nil, fmt.Errorf("js/%s: %w", name, err)
	}
	obj, _ := out.(*goja.Object)
	return obj, nil
}

// newVM makes a realm with what expressions and code share.
func newVM(p *Pool, need needs) (*vm, error) {
	v := &vm{pool: p, rt: goja.New(), luxon: need.dates, need: need}
	v.rt.SetMaxCallStackSize(p.opts.MaxDepth)
	v.rt.SetTimeSource(v.clock)
	v.rt.SetRandSource(v.random)
	natives := v.natives().object()
	if need.intl {
		if _, err := v.loadWith("intl.js", natives); err != nil {
			return nil, err
		}
	}
	if _, err := v.loadWith("base.js", natives); err != nil {
		return nil, err
	}
	if need.anyOf(guardNames...) {
		if _, err := v.loadWith("guards.js", natives); err != nil {
			return nil, err
		}
	}
	if err := v.loadHooks(natives); err != nil {
		return nil, err
	}
	v.globals()
	if need.dates {
		return v, v.loadLuxon(natives)
	}
	return v, nil
}

// loadHooks adds the objects that stand for nodes, and for expressions their
// helpers and methods.
func (v *vm) loadHooks(natives *goja.Object) error {
	if v.need.anyOf("$", "$input", "$node", "$item") {
		hooks, err := v.loadWith("hooks.js", v.host().object(), natives)
		if err != nil {
			return err
		}
		v.bindHooks(hooks)
		v.shared = append(v.shared, hooks.Get("shared"))
	}
	extensions := v.rt.NewObject()
	if v.need.methods {
		if err := v.loadExtensions(extensions, natives); err != nil {
			return err
		}
	}
	if v.need.anyOf(helperNames...) {
		helpers, err := v.loadWith("helpers.js", extensions, natives)
		if err != nil {
			return err
		}
		v.helpers(helpers)
	}
	return nil
}

// newExpressionVM makes a realm for expressions and freezes it.
func newExpressionVM(p *Pool, luxon bool) (*vm, error) {
	v, err := newVM(p, needs{dates: luxon, methods: true, intl: true, generators: true})
	if err != nil {
		return nil, fmt.Errorf("setting up the expression interpreter: %w", err)
	}
	if _, err := v.loadWith("freeze.js", v.rt.NewArray(v.shared...)); err != nil {
		return nil, fmt.Errorf("freezing the expression interpreter: %w", err)
	}
	v.values, v.shared = nil, nil
	return v, nil
}

// extensionFiles hold the format's methods by type.
var extensionFiles = []string{"ext_string.js", "ext_number.js", "ext_list.js", "ext_date.js"}

func (v *vm) loadExtensions(table *goja.Object, natives *goja.Object) error {
	for _, name := range extensionFiles {
		if _, err := v.loadWith(name, table, natives); err != nil {
			return err
		}
	}
	return nil
}

func (v *vm) bindHooks(o *goja.Object) {
	callable := func(name string) goja.Callable {
		f, _ := goja.AssertFunction(o.Get(name))
		return f
	}
	v.lib = hooks{nodeRef: callable("nodeRef"), input: callable("input"),
		legacy: callable("legacy"), itemView: callable("itemView")}
}

// loadLuxon adds the date library, its zones served by Go.
func (v *vm) loadLuxon(natives *goja.Object) error {
	lib, err := v.load("luxon.min.js")
	if err != nil {
		return err
	}
	bound, err := v.loadWith("dates.js", lib, natives)
	if err != nil {
		return err
	}
	callable := func(name string) goja.Callable {
		f, _ := goja.AssertFunction(bound.Get(name))
		return f
	}
	v.lib.zone, v.lib.now, v.lib.today = callable("zone"), callable("now"), callable("today")
	v.lib.resetDates = callable("reset")
	v.shared = append(v.shared, bound.Get("shared"))
	for _, name := range []string{"DateTime", "Duration", "Interval"} {
		v.hide(name, bound.Get(name))
	}
	return nil
}

// hide sets a global that enumeration does not show.
func (v *vm) hide(name string, val goja.Value) {
	_ = v.rt.GlobalObject().DefineDataProperty(name, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// getter defines a name of the format, where it is used.
func (v *vm) getter(name string, f func() goja.Value) {
	if !v.need.uses(name) {
		return
	}
	get := v.rt.ToValue(func(goja.FunctionCall) goja.Value {
		if v.s == nil {
			return goja.Undefined()
		}
		return f()
	})
	_ = v.rt.GlobalObject().DefineAccessorProperty(name, get, nil, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

// function defines a function of the format, where it is used.
func (v *vm) function(name string, f func(a args) goja.Value) {
	if !v.need.uses(name) {
		return
	}
	v.hide(name, v.rt.ToValue(func(call goja.FunctionCall) goja.Value { return f(call.Arguments) }))
}
