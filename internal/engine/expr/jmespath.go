package expr

import "github.com/dop251/goja"

// jmespath is $jmespath(data, query).
func (v *vm) jmespath(a args) goja.Value {
	if v.search == nil {
		lib, err := v.load("jmespath.js")
		if err != nil {
			panic(err)
		}
		f, ok := goja.AssertFunction(lib.(*goja.Object).Get("search"))
		if !ok {
			panic(v.rt.NewTypeError("the query library is missing"))
		}
		v.search = f
	}
	if len(a) < 2 {
		panic(v.rt.NewTypeError("$jmespath takes the data and the query"))
	}
	if _, isText := a[1].Export().(string); !isText {
		panic(v.rt.NewTypeError("$jmespath takes the query as its second argument"))
	}
	out, err := v.search(goja.Undefined(), a[0], a[1])
	if err != nil {
		panic(err)
	}
	return out
}
