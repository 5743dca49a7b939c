package workflow

import "encoding/json"

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
