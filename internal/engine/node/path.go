package node

import (
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// splitPath cuts a path such as `a.b[0]["x.y"]` into its keys.
func splitPath(path string) []string {
	var keys []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			keys = append(keys, b.String())
			b.Reset()
		}
	}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; c {
		case '.':
			flush()
		case '[':
			end := strings.IndexByte(path[i:], ']')
			if end < 0 {
				b.WriteByte(c)
				continue
			}
			flush()
			key := path[i+1 : i+end]
			if n := len(key); n > 1 && (key[0] == '"' || key[0] == '\'') && key[n-1] == key[0] {
				key = key[1 : n-1]
			}
			keys = append(keys, key)
			i += end
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return keys
}

// keysOf returns the keys that path means in o: the whole path where o has a
// key of that name, or where dots are not to be read.
func keysOf(o *workflow.Object, path string, dots bool) []string {
	if !dots {
		return []string{path}
	}
	if _, ok := o.Get(path); ok || !strings.ContainsAny(path, ".[") {
		return []string{path}
	}
	return splitPath(path)
}

// lookup returns the value at path of o and whether it is there.
func lookup(o *workflow.Object, path string, dots bool) (any, bool) {
	var v any = o
	for _, key := range keysOf(o, path, dots) {
		switch c := v.(type) {
		case *workflow.Object:
			e, ok := c.Get(key)
			if !ok {
				return nil, false
			}
			v = e
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n < 0 || n >= len(c) {
				return nil, false
			}
			v = c[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// maxIndex bounds the lists that a path may make.
const maxIndex = 1 << 16

// assign returns o with value at path. What o shares with others is copied
// along the path, never changed; o itself must be the caller's own.
func assign(o *workflow.Object, path string, value any, dots bool) {
	keys := keysOf(o, path, dots)
	if len(keys) == 0 {
		keys = []string{path}
	}
	if len(keys) == 1 {
		o.Set(keys[0], value)
		return
	}
	o.Set(keys[0], with(o.Value(keys[0]), keys[1:], value))
}

// with returns a copy of v in which value is at keys.
func with(v any, keys []string, value any) any {
	if len(keys) == 0 {
		return value
	}
	index, isIndex := listIndex(keys[0])
	switch c := v.(type) {
	case *workflow.Object:
		out := c.Copy()
		out.Set(keys[0], with(c.Value(keys[0]), keys[1:], value))
		return out
	case []any:
		if isIndex {
			return withIndex(c, index, keys[1:], value)
		}
	default:
		if isIndex {
			return withIndex(nil, index, keys[1:], value)
		}
	}
	out := &workflow.Object{}
	out.Set(keys[0], with(nil, keys[1:], value))
	return out
}

func withIndex(list []any, index int, keys []string, value any) any {
	out := make([]any, max(len(list), index+1))
	copy(out, list)
	out[index] = with(out[index], keys, value)
	return out
}

func listIndex(key string) (int, bool) {
	n, err := strconv.Atoi(key)
	return n, err == nil && n >= 0 && n < maxIndex && strconv.Itoa(n) == key
}

// remove deletes what is at path of o, which must be the caller's own; what
// is shared is copied along the path.
func remove(o *workflow.Object, path string, dots bool) {
	keys := keysOf(o, path, dots)
	if len(keys) == 1 {
		o.Delete(keys[0])
		return
	}
	if _, ok := lookup(o, path, dots); ok && len(keys) > 1 {
		o.Set(keys[0], without(o.Value(keys[0]), keys[1:]))
	}
}

func without(v any, keys []string) any {
	switch c := v.(type) {
	case *workflow.Object:
		out := c.Copy()
		if len(keys) == 1 {
			out.Delete(keys[0])
		} else {
			out.Set(keys[0], without(c.Value(keys[0]), keys[1:]))
		}
		return out
	case []any:
		n, ok := listIndex(keys[0])
		if !ok || n >= len(c) {
			return v
		}
		out := append([]any(nil), c...)
		if len(keys) == 1 {
			out[n] = nil
		} else {
			out[n] = without(c[n], keys[1:])
		}
		return out
	}
	return v
}
