package workflow

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestObjectKeepsOrder(t *testing.T) {
	t.Parallel()
	const text = `{"z":1,"a":{"y":[true,null,"ø<&>"],"b":2.5},"m":[],"n":{},"long":1e21,"small":1e-7}`
	v, err := DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := AppendJSON(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), strings.Replace(text, "1e21", "1e+21", 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestObjectSetGetDelete(t *testing.T) {
	t.Parallel()
	o := &Object{}
	var want []string
	for i := range 40 { // beyond the size at which an index is kept
		key := strings.Repeat("k", i+1)
		o.Set(key, float64(i))
		want = append(want, key)
	}
	if !o.Delete(want[7]) || o.Delete("absent") {
		t.Fatal("Delete lies")
	}
	want = append(want[:7:7], want[8:]...)
	o.Set(want[3], "again")
	if !reflect.DeepEqual(o.Keys(), want) {
		t.Errorf("keys are %v", o.Keys())
	}
	for _, k := range want {
		if _, ok := o.Get(k); !ok {
			t.Errorf("%s is lost", k)
		}
	}
	c := o.Clone()
	c.Set("new", 1.0)
	if _, ok := o.Get("new"); ok || o.Len() != 39 {
		t.Error("a clone shares its keys")
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": ``, "half": `{"a":`, "two values": `1 2`, "too deep": strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"bare word": `{a:1}`, "trailing comma": `[1,]`, "huge number": `1e999`,
	} {
		if v, err := DecodeJSON([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %v", name, v)
		}
	}
}

// FuzzDecodeJSON holds the decoder to the standard library's on everything
// both accept, and to its own output.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x",null,true]}`, `"\ud83d\ude00"`, `[[[]]]`, `-0`, `{"a":1,"a":2}`, `1e400`, "\"\xff\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeJSON(data)
		if err != nil {
			return
		}
		var std any
		if err := json.Unmarshal(data, &std); err != nil {
			t.Fatalf("accepted %q, which the standard library refuses: %v", data, err)
		}
		out, err := AppendJSON(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("wrote %q: %v", out, err)
		}
		if !reflect.DeepEqual(std, again) {
			t.Fatalf("%q became %q", data, out)
		}
	})
}

// FuzzDocument reads arbitrary bytes as a document: what is accepted must
// survive normalizing and a round trip unchanged.
func FuzzDocument(f *testing.F) {
	for _, s := range []string{`{"nodes":[{"name":"A","type":"t"}],"connections":{"A":{"main":[null,[{"node":"B"}]]}}}`,
		`{"nodes":[{"id":1,"credentials":{"x":"y"}},{"name":"A"},{"name":"A"}],"tags":[{"name":"t"}],"connections":[]}`,
		`{"nodes":null,"settings":[],"pinData":{"A":[{"json":{}}]},"odd":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Document
		if json.Unmarshal(data, &d) != nil {
			return
		}
		Normalize(&d, nil)
		once, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var again Document
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("cannot read back %s: %v", once, err)
		}
		Normalize(&again, nil)
		twice, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if string(once) != string(twice) {
			t.Fatalf("changed:\n%s\n%s", once, twice)
		}
	})
}
