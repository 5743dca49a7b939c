package migrate

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// row is a row of the source, by column. Its columns' names and types differ
// between the versions of the gateway that wrote it.
type row map[string]json.RawMessage

// raw returns the first of the columns that is there and not null.
func (r row) raw(names ...string) json.RawMessage {
	for _, name := range names {
		if v := r[name]; len(v) > 0 && !bytes.Equal(v, []byte("null")) {
			return v
		}
	}
	return nil
}

// text returns the first of the columns that is not empty, as text: numbers
// and objects as their JSON.
func (r row) text(names ...string) string {
	for _, name := range names {
		if s := textOf(r.raw(name)); s != "" {
			return s
		}
	}
	return ""
}

func textOf(v json.RawMessage) (s string) {
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// list returns a column as texts: an array of them, of objects with one of
// keys, or a single text.
func (r row) list(name string, keys ...string) (out []string) {
	v := r.raw(name)
	var many []json.RawMessage
	if json.Unmarshal(v, &many) != nil {
		if s := textOf(v); s != "" {
			return []string{s}
		}
		return nil
	}
	for _, one := range many {
		in := row{}
		if s := textOf(one); json.Unmarshal(one, &in) == nil && in.text(keys...) != "" {
			out = append(out, in.text(keys...))
		} else if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// textsOf returns an object's members as texts.
func textsOf(v json.RawMessage) map[string]string {
	in := row{}
	if json.Unmarshal(v, &in) != nil || len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for key := range in {
		out[key] = in.text(key)
	}
	return out
}

func (r row) flag(name string) (value, there bool) {
	there = json.Unmarshal(r.raw(name), &value) == nil
	return value, there
}

// number returns the first of the columns that is one.
func (r row) number(names ...string) (n float64) {
	for _, name := range names {
		if json.Unmarshal(r.raw(name), &n) == nil {
			return n
		}
	}
	return 0
}

// time returns the first of the columns that is one: a timestamp, or seconds
// or milliseconds since the Unix epoch.
func (r row) time(names ...string) time.Time {
	for _, name := range names {
		if t := timeOf(r.raw(name)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// afterSeconds is beyond what seconds since the epoch reach: it is 5138 as
// seconds, and 1973 as milliseconds.
const afterSeconds = 1e11

func timeOf(v json.RawMessage) time.Time {
	var n float64
	if json.Unmarshal(v, &n) == nil {
		switch {
		case n <= 0:
			return time.Time{}
		case n < afterSeconds:
			n *= 1000
		}
		return time.UnixMilli(int64(n)).UTC()
	}
	s := strings.Replace(textOf(v), " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z07", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
