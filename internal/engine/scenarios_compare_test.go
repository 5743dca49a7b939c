package engine

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"flowgate/internal/workflow"
)

// compare returns the first difference between what was recorded and what
// ran, as a short text; "" for none.
func (s *scenario) compare(o Outcome) string {
	want := s.Expected
	if o.Status != want.Status {
		return fmt.Sprintf("status %s, want %s (%s)", o.Status, want.Status, errorText(o.Error))
	}
	if o.LastNode != want.LastNode {
		return fmt.Sprintf("last node %q, want %q", o.LastNode, want.LastNode)
	}
	if (o.Error != nil) != (want.Error != nil) {
		return "error: " + errorText(o.Error)
	}
	if !slices.Equal(o.Order, want.Order) {
		return fmt.Sprintf("order %v, want %v", o.Order, want.Order)
	}
	for _, name := range want.Order {
		got := o.RunsOf(name)
		if len(got) != len(want.Nodes[name]) {
			return fmt.Sprintf("%s ran %d times, want %d", name, len(got), len(want.Nodes[name]))
		}
		for i, run := range want.Nodes[name] {
			if diff := s.compareRun(got[i], run); diff != "" {
				return fmt.Sprintf("%s run %d: %s", name, i, diff)
			}
		}
	}
	return ""
}

func (s *scenario) compareRun(got workflow.NodeRun, want recordedRun) string {
	if got.Status != want.Status || (got.Error != nil) != (want.Error != nil) {
		return fmt.Sprintf("status %s, want %s (%s)", got.Status, want.Status, errorText(got.Error))
	}
	if s.strict() && !sameSources(got.Source, want.Source) {
		return fmt.Sprintf("source %s, want %s", jsonText(got.Source), jsonText(want.Source))
	}
	if (got.Main == nil) != (want.Main == nil) {
		return fmt.Sprintf("main %s, want %s", jsonText(got.Main), jsonText(want.Main))
	}
	if !s.strict() {
		trim(&got.Main, &want.Main)
	}
	if len(got.Main) != len(want.Main) {
		return fmt.Sprintf("%d outputs, want %d", len(got.Main), len(want.Main))
	}
	for out := range want.Main {
		if len(got.Main[out]) != len(want.Main[out]) {
			return fmt.Sprintf("output %d has %d items, want %d: %s", out, len(got.Main[out]), len(want.Main[out]), jsonText(got.Main[out]))
		}
		for i, item := range want.Main[out] {
			if diff := s.compareItem(plainItem(got.Main[out][i]), item); diff != "" {
				return fmt.Sprintf("output %d item %d: %s", out, i, diff)
			}
		}
	}
	return ""
}

// trim drops empty outputs at the end, which say nothing.
func trim(got *[][]workflow.Item, want *[][]map[string]any) {
	for n := len(*got); n > 0 && len((*got)[n-1]) == 0 && n > len(*want); n-- {
		*got = (*got)[:n-1]
	}
	for n := len(*want); n > 0 && len((*want)[n-1]) == 0 && n > len(*got); n-- {
		*want = (*want)[:n-1]
	}
}

func (s *scenario) compareItem(got, want map[string]any) string {
	if !s.same(got["json"], want["json"]) {
		return fmt.Sprintf("json %s, want %s", jsonText(got["json"]), jsonText(want["json"]))
	}
	if !sameBinary(got["binary"], want["binary"]) {
		return fmt.Sprintf("binary %s, want %s", jsonText(got["binary"]), jsonText(want["binary"]))
	}
	if s.strict() && !reflect.DeepEqual(pairs(got["pairedItem"]), pairs(want["pairedItem"])) {
		return fmt.Sprintf("pairedItem %s, want %s", jsonText(got["pairedItem"]), jsonText(want["pairedItem"]))
	}
	return ""
}

// same compares JSON values. "<error>" and {"masked": true} stand for any
// value that is there; a key whose value is null is not an absent key.
func (s *scenario) same(got, want any) bool {
	if masked(want) {
		return got != nil
	}
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(want) {
			return false
		}
		for key, w := range want {
			if v, has := g[key]; !has || !s.same(v, w) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return false
		}
		for i := range want {
			if !s.same(g[i], want[i]) {
				return false
			}
		}
		return true
	}
	if s.Volatile {
		return fmt.Sprintf("%T", got) == fmt.Sprintf("%T", want)
	}
	return got == want
}

func masked(v any) bool {
	if v == "<error>" {
		return true
	}
	m, ok := v.(map[string]any)
	return ok && len(m) == 1 && m["masked"] == true
}

// sameBinary compares files without what names where they are kept.
func sameBinary(got, want any) bool {
	g, _ := got.(map[string]any)
	w, _ := want.(map[string]any)
	if len(g) != len(w) {
		return false
	}
	for name, file := range w {
		gf, _ := g[name].(map[string]any)
		wf, _ := file.(map[string]any)
		for field, value := range wf {
			if !sameFileField(gf, field, value) {
				return false
			}
		}
	}
	return true
}

func sameFileField(file map[string]any, field string, want any) bool {
	switch {
	case field == "id" || want == "<stored>":
		return true
	case field == "bytes":
		text, _ := file["data"].(string)
		data, err := base64.StdEncoding.DecodeString(text)
		return err == nil && float64(len(data)) == want
	}
	return reflect.DeepEqual(file[field], want)
}

// pairs brings the three forms of a pairing into one.
func pairs(v any) any {
	switch v := v.(type) {
	case float64:
		return []any{map[string]any{"item": v, "input": 0.0}}
	case map[string]any:
		return pairs([]any{v})
	case []any:
		var out []any
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				m = map[string]any{"item": e}
			}
			p := map[string]any{"input": 0.0}
			for k, val := range m {
				p[k] = val
			}
			out = append(out, p)
		}
		return out
	}
	return v
}

func sameSources(got, want []*workflow.Source) bool {
	return len(got) == len(want) && reflect.DeepEqual(append([]*workflow.Source{}, got...), append([]*workflow.Source{}, want...))
}

func plainItem(item workflow.Item) map[string]any {
	data, err := json.Marshal(item)
	if err != nil {
		return map[string]any{"json": "cannot be encoded: " + err.Error()}
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return map[string]any{"json": "cannot be decoded: " + err.Error()}
	}
	return out
}

func jsonText(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(data) > 300 {
		return string(data[:300]) + "… (" + strconv.Itoa(len(data)) + " bytes)"
	}
	return string(data)
}

func errorText(e *workflow.ExecutionError) string {
	if e == nil {
		return "no error"
	}
	return e.Node + ": " + e.Message
}
