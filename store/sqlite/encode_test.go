package sqlite

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// TestAppendRunLosesNothing fills every field there is, so that a new one
// cannot be forgotten by the encoder.
func TestAppendRunLosesNothing(t *testing.T) {
	t.Parallel()
	var run workflow.NodeRun
	fillAll(t, reflect.ValueOf(&run).Elem())
	got, err := appendRun(nil, &run)
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(&run)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func fillAll(t *testing.T, v reflect.Value) {
	if v.Type() == reflect.TypeFor[*workflow.Object]() {
		v.Set(reflect.ValueOf(workflow.NewObject("<k>", "<v>")))
		return
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1, 5).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAll(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" { // else it is not kept
				fillAll(t, v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillAll(t, v.Index(0))
	case reflect.Map:
		elem := reflect.New(v.Type().Elem()).Elem()
		fillAll(t, elem)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), elem)
	case reflect.String:
		v.SetString("text")
	case reflect.Int:
		v.SetInt(3)
	case reflect.Float64:
		v.SetFloat(2.5)
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("a field of kind %v", v.Kind())
	}
}

func TestPiecesKeep(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keep []bool
		want string
	}{
		{[]bool{true, true, true}, `["a","b","c"]`},
		{[]bool{false, true, false}, `["b"]`},
		{[]bool{true, false, true}, `["a","c"]`},
		{[]bool{false, false, false}, ``},
	} {
		var p pieces
		for _, s := range []string{"a", "b", "c"} {
			if err := p.add(func(b []byte) ([]byte, error) { return workflow.AppendJSON(b, s) }); err != nil {
				t.Fatal(err)
			}
		}
		if got := string(p.list(c.keep)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.keep, got, c.want)
		}
	}
	if got := new(pieces).list(nil); got != nil {
		t.Errorf("nothing gives %s", got)
	}
}
