package workflow

import (
	"encoding/json"
	"reflect"
	"strings"
)

// marshalWithExtra writes v's own fields, then the unknown ones it was read
// with.
func marshalWithExtra(v any, extra *Object) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || extra.Len() == 0 {
		return data, err
	}
	tail, err := AppendJSON(nil, extra)
	if err != nil {
		return nil, err
	}
	if len(data) == 2 { // {}
		return tail, nil
	}
	data[len(data)-1] = ','
	return append(data, tail[1:]...), nil
}

// extraFields returns the fields of the JSON object data that the struct
// known does not name, in order; nil when there are none.
func extraFields(data []byte, known any) (*Object, error) {
	v, err := DecodeJSON(data)
	if err != nil {
		return nil, err
	}
	obj, ok := v.(*Object)
	if !ok {
		return nil, nil
	}
	names := map[string]bool{}
	t := reflect.TypeOf(known)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names[name] = true
	}
	var extra *Object
	for i, k := range obj.keys {
		if names[k] {
			continue
		}
		if extra == nil {
			extra = &Object{}
		}
		extra.Set(k, obj.vals[i])
	}
	return extra, nil
}
