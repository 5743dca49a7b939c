package node

import (
	"reflect"
	"strings"
	"testing"
)

func checkShow(t *testing.T, name string, params any) {
	t.Helper()
	p := planOf(reflect.TypeOf(params))
	for i := range p.fields {
		for _, cond := range p.fields[i].show {
			if strings.HasPrefix(cond.name, "@") || strings.HasPrefix(cond.name, "/") {
				continue
			}
			at, ok := p.byName[cond.name]
			if !ok || at >= i {
				t.Errorf("%s: %s is shown by %q, which is not before it", name, p.fields[i].name, cond.name)
			}
		}
	}
}
