package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Object is a JSON object that keeps its keys in the order they were set, as
// the workflow format's expressions observe it (JSON.stringify, Object.keys).
//
// Values are the JSON kinds only: nil, bool, float64, string, []any and
// *Object. The zero value is an empty object. An Object is not safe for
// concurrent writes; values that entered an Item are treated as immutable and
// copied by whoever changes them (see Clone).
type Object struct {
	keys  []string
	vals  []any
	index map[string]int // only beyond smallObject keys
}

const smallObject = 12

// NewObject returns an object of the given alternating keys and values.
func NewObject(pairs ...any) *Object {
	o := &Object{}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

// Len is the number of keys. A nil object has none.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

// Keys returns the keys in order. The slice must not be changed.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

// At returns the i-th key and value.
func (o *Object) At(i int) (string, any) { return o.keys[i], o.vals[i] }

func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i, k := range o.keys {
		if k == key {
			return i
		}
	}
	return -1
}

// Get returns the value under key and whether the key is there.
func (o *Object) Get(key string) (any, bool) {
	if i := o.find(key); i >= 0 {
		return o.vals[i], true
	}
	return nil, false
}

// Value returns the value under key, nil when it is not there.
func (o *Object) Value(key string) any {
	v, _ := o.Get(key)
	return v
}

// Set stores value under key: in place when the key exists, last otherwise.
func (o *Object) Set(key string, value any) {
	if i := o.find(key); i >= 0 {
		o.vals[i] = value
		return
	}
	o.keys = append(o.keys, key)
	o.vals = append(o.vals, value)
	if o.index != nil {
		o.index[key] = len(o.keys) - 1
	} else if len(o.keys) > smallObject {
		o.reindex()
	}
}

func (o *Object) reindex() {
	o.index = make(map[string]int, len(o.keys)*2)
	for i, k := range o.keys {
		o.index[k] = i
	}
}

// Delete removes key and reports whether it was there.
func (o *Object) Delete(key string) bool {
	i := o.find(key)
	if i < 0 {
		return false
	}
	o.keys = append(o.keys[:i:i], o.keys[i+1:]...)
	o.vals = append(o.vals[:i:i], o.vals[i+1:]...)
	o.index = nil
	if len(o.keys) > smallObject {
		o.reindex()
	}
	return true
}

// Copy returns a shallow copy: its own keys, shared values.
func (o *Object) Copy() *Object {
	c := &Object{}
	if o == nil {
		return c
	}
	c.keys = append(make([]string, 0, len(o.keys)+2), o.keys...)
	c.vals = append(make([]any, 0, len(o.vals)+2), o.vals...)
	if o.index != nil {
		c.reindex()
	}
	return c
}

// Clone returns a deep copy.
func (o *Object) Clone() *Object {
	c := o.Copy()
	for i, v := range c.vals {
		c.vals[i] = CloneValue(v)
	}
	return c
}

// CloneValue returns a deep copy of a JSON value.
func CloneValue(v any) any {
	switch v := v.(type) {
	case *Object:
		if v == nil {
			return nil
		}
		return v.Clone()
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = CloneValue(v[i])
		}
		return c
	}
	return v
}

// MarshalJSON writes the object with its keys in order.
func (o *Object) MarshalJSON() ([]byte, error) { return AppendJSON(nil, o) }

// UnmarshalJSON reads an object, keeping the order of its keys. A key that
// comes twice keeps its last value.
func (o *Object) UnmarshalJSON(data []byte) error {
	v, err := DecodeJSON(data)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *Object:
		*o = *v
	case nil:
		*o = Object{}
	default:
		return fmt.Errorf("expected a JSON object, got %s", KindOf(v))
	}
	return nil
}

// maxDepth bounds nesting of decoded JSON, so that hostile input cannot
// exhaust the stack.
const maxDepth = 512

// DecodeJSON reads exactly one JSON value into the kinds an Object holds.
// Nesting beyond 512 levels and trailing data are errors.
func DecodeJSON(data []byte) (any, error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	v, err := decodeValue(dec, 0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("unexpected data after the JSON value at byte %d", dec.InputOffset())
	}
	return v, nil
}

func decodeValue(dec *jsontext.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("JSON is nested deeper than %d levels", maxDepth)
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case jsontext.KindBeginArray:
		return decodeArray(dec, depth)
	case jsontext.KindBeginObject:
		return decodeObject(dec, depth)
	case jsontext.KindString:
		return tok.String(), nil
	case jsontext.KindNumber:
		f, err := strconv.ParseFloat(tok.String(), 64)
		if err != nil && math.IsInf(f, 0) {
			return nil, fmt.Errorf("the number %.40s at byte %d is out of range", tok.String(), dec.InputOffset())
		}
		return f, nil
	case jsontext.KindTrue:
		return true, nil
	case jsontext.KindFalse:
		return false, nil
	}
	return nil, nil
}

func decodeArray(dec *jsontext.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.PeekKind() != jsontext.KindEndArray {
		v, err := decodeValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.ReadToken()
	return list, err
}

func decodeObject(dec *jsontext.Decoder, depth int) (any, error) {
	obj := &Object{}
	for dec.PeekKind() != jsontext.KindEndObject {
		tok, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := tok.String()
		v, err := decodeValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		obj.Set(key, v)
	}
	_, err := dec.ReadToken()
	return obj, err
}

// AppendJSON appends the JSON text of v, without escaping HTML characters.
// NaN and infinities become null, as JavaScript writes them.
func AppendJSON(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v), nil
	case float64:
		return AppendNumber(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case []any:
		if v == nil {
			return append(b, "null"...), nil
		}
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = AppendJSON(b, e); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case *Object:
		if v == nil {
			return append(b, "null"...), nil
		}
		b = append(b, '{')
		for i, k := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, k), ':')
			var err error
			if b, err = AppendJSON(b, v.vals[i]); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return b, err
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...), nil
}

// AppendNumber appends f as JavaScript's JSON.stringify writes it.
func AppendNumber(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	abs := math.Abs(f)
	if abs >= 1e21 || (abs < 1e-6 && abs > 0) {
		b = strconv.AppendFloat(b, f, 'e', -1, 64)
		// e-09 → e-9, as encoding/json does
		if n := len(b); n >= 4 && b[n-4] == 'e' && (b[n-3] == '-' || b[n-3] == '+') && b[n-2] == '0' {
			b[n-2] = b[n-1]
			b = b[:n-1]
		}
		return b
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func appendString(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			return appendQuoted(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendQuoted(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}

// KindOf names the JSON kind of v for error messages.
func KindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64, int:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case *Object:
		return "object"
	}
	return fmt.Sprintf("%T", v)
}

// FromGo converts plain Go data (maps, slices, structs, numbers) to the kinds
// an Object holds, by way of JSON.
func FromGo(v any) (any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return DecodeJSON(data)
}
