package node

import (
	"reflect"

	"flowgate/internal/workflow"
)

func (b *binder) rawReader(raw any, dst reflect.Value, at place) error {
	if !at.literal && hasExpression(raw) {
		out, err := b.resolve(raw, at)
		if err != nil {
			return err
		}
		raw = out
	}
	if !dst.Addr().Interface().(rawReader).fromRaw(raw) {
		return badType(at.path, raw, "text or a list of texts")
	}
	return nil
}

func (b *binder) object(raw any, dst reflect.Value, at place) error {
	switch v := raw.(type) {
	case nil, string:
		if v == nil || v == "" {
			return b.structure(planOf(dst.Type()), nil, dst, at)
		}
	case *workflow.Object:
		return b.structure(planOf(dst.Type()), v, dst, at)
	case []any: // an empty collection is written as [] by some editors
		if len(v) == 0 {
			return b.structure(planOf(dst.Type()), nil, dst, at)
		}
		if first, ok := v[0].(*workflow.Object); ok && len(v) == 1 {
			return b.structure(planOf(dst.Type()), first, dst, at)
		}
	}
	return badType(at.path, raw, "an object")
}

func (b *binder) slice(raw any, dst reflect.Value, at place) error {
	var list []any
	switch v := raw.(type) {
	case nil:
		return nil
	case []any:
		list = v
	case string:
		if v == "" {
			return nil
		}
		list = []any{v}
	default: // a single entry where a list belongs
		list = []any{v}
	}
	out := reflect.MakeSlice(dst.Type(), len(list), len(list))
	for i, e := range list {
		if err := b.value(e, out.Index(i), at.index(i)); err != nil {
			return err
		}
	}
	dst.Set(out)
	return nil
}

func (b *binder) mapping(raw any, dst reflect.Value, at place) error {
	if raw == nil {
		return nil
	}
	o, ok := raw.(*workflow.Object)
	if !ok {
		return badType(at.path, raw, "an object")
	}
	out := reflect.MakeMapWithSize(dst.Type(), o.Len())
	for i := range o.Len() {
		k, e := o.At(i)
		v := reflect.New(dst.Type().Elem()).Elem()
		if err := b.value(e, v, at.field(k)); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(k), v)
	}
	dst.Set(out)
	return nil
}
