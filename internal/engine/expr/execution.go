package expr

import (
	"context"
	"strings"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

func (v *vm) info() ExecutionInfo {
	if d := v.scope().Data; d != nil {
		return d.Info()
	}
	return ExecutionInfo{}
}

// executionGlobals defines $workflow, $execution and their older names.
func (v *vm) executionGlobals() {
	mode := func() goja.Value {
		if v.info().Mode.Production() {
			return v.rt.ToValue("production")
		}
		return v.rt.ToValue("test")
	}
	v.getter("$workflow", func() goja.Value {
		i := v.info()
		return v.object(workflow.NewObject("id", i.WorkflowID, "name", i.WorkflowName, "active", i.Active))
	})
	v.getter("$execution", func() goja.Value {
		i := v.info()
		o := v.object(workflow.NewObject("id", i.ID, "mode", "", "resumeUrl", i.ResumeURL, "resumeFormUrl", i.FormURL))
		_ = o.Set("mode", mode())
		_ = o.Set("customData", v.customData(i.CustomData))
		return o
	})
	v.getter("$mode", func() goja.Value { return v.rt.ToValue(string(v.info().Mode)) })
	v.getter("$executionId", func() goja.Value { return v.rt.ToValue(v.info().ID) })
	v.getter("$resumeWebhookUrl", func() goja.Value { return v.rt.ToValue(v.info().ResumeURL) })
}

// customData is $execution.customData, whose changes are kept where the
// execution has a place for them.
func (v *vm) customData(data *workflow.Object) goja.Value {
	if data == nil {
		data = &workflow.Object{}
	}
	return v.functions(map[string]func(a args) goja.Value{
		"set": func(a args) goja.Value {
			data.Set(a.text(0), a.text(1))
			return goja.Undefined()
		},
		"setAll": func(a args) goja.Value {
			if o, ok := a.at(0).(*goja.Object); ok {
				for _, k := range o.Keys() {
					data.Set(k, o.Get(k).String())
				}
			}
			return goja.Undefined()
		},
		"get":    func(a args) goja.Value { return v.toJS(data.Value(a.text(0))) },
		"getAll": func(args) goja.Value { return v.object(data) },
	})
}

// written is an object of static data that code was given.
type written struct {
	from *workflow.Object
	to   *goja.Object
}

// staticData is $getWorkflowStaticData("global" or "node"). What code changes
// in it is written back when the code ends; expressions only read it.
func (v *vm) staticData(a args) goja.Value {
	scope := a.text(0)
	if scope != "global" && scope != "node" {
		panic(v.rt.NewTypeError("$getWorkflowStaticData takes \"global\" or \"node\""))
	}
	var data *workflow.Object
	if d := v.scope().Data; d != nil {
		data = d.StaticData(scope, v.node().Name)
	}
	if data == nil {
		data = &workflow.Object{}
	}
	for _, w := range v.wrote {
		if w.from == data {
			return w.to
		}
	}
	o := v.object(data)
	if v.code {
		v.wrote = append(v.wrote, written{data, o})
	}
	return o
}

// keepStatic writes changed static data back, in place.
func (v *vm) keepStatic() error {
	for _, w := range v.wrote {
		val, err := v.exporter().value(w.to, 0)
		if err != nil {
			return err
		}
		changed, ok := val.(*workflow.Object)
		if !ok {
			continue
		}
		replace(w.from, changed)
	}
	return nil
}

// evaluateNested evaluates a text as a parameter, from within JavaScript.
func (s *Session) evaluateNested(raw string, item int) (any, error) {
	if !strings.HasPrefix(raw, "=") {
		raw = "=" + raw
	}
	return s.evaluate(context.Background(), raw, frame{s.frame.sc, item})
}
