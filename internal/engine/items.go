package engine

import (
	"encoding/json"

	"flowgate/internal/workflow"
)

// pinned reports whether a node's output is replaced by pinned data, which is
// so on manual runs only.
func (x *execution) pinned(v *vertex) bool {
	return x.start.PinData && !x.mode.Production() && len(x.graph.doc.PinData[v.name()]) > 0
}

// pinnedItems reads pinned data: items, or bare objects that stand for them.
func pinnedItems(pinned []any) []workflow.Item {
	items := make([]workflow.Item, 0, len(pinned))
	for _, p := range pinned {
		data, err := json.Marshal(p)
		if err != nil {
			continue
		}
		var item workflow.Item
		if json.Unmarshal(data, &item) != nil || item.JSON == nil {
			item = workflow.Item{JSON: &workflow.Object{}}
			if json.Unmarshal(data, item.JSON) != nil {
				continue
			}
		}
		item.Paired = nil
		items = append(items, item)
	}
	return items
}

// pairInputs returns the inputs of a node run with each item paired to itself:
// where a node hands an item on, that is what it was made from. The items
// given stay as they are, for they are another node's outputs.
func pairInputs(inputs [][]workflow.Item) [][]workflow.Item {
	own := make([][]workflow.Item, len(inputs))
	for input, items := range inputs {
		if len(items) == 0 {
			own[input] = items
			continue
		}
		own[input] = append([]workflow.Item(nil), items...)
		pairings, refs := make([]workflow.Pairing, len(items)), make([]workflow.Pair, len(items))
		for i := range items {
			refs[i] = workflow.Pair{Item: i, Input: input}
			pairings[i].Refs = refs[i : i+1 : i+1]
			own[input][i].Paired = &pairings[i]
		}
	}
	return own
}

// pairOutputs fills in pairings that are missing where they are beyond doubt:
// one input with one item, or as many items on the only output as on the only
// input. Items handed on from elsewhere are not changed but copied.
func pairOutputs(main [][]workflow.Item, inputs [][]workflow.Item) [][]workflow.Item {
	if len(inputs) != 1 {
		return main
	}
	in := len(inputs[0])
	sameCount := len(main) == 1 && len(main[0]) == in
	if in != 1 && !sameCount {
		return main
	}
	paired := make([][]workflow.Item, len(main))
	for o, items := range main {
		paired[o] = items
		copied := false
		for i := range items {
			if items[i].Paired != nil {
				continue
			}
			if !copied {
				paired[o], copied = append([]workflow.Item(nil), items...), true
			}
			index := 0
			if in != 1 {
				index = i
			}
			paired[o][i].Paired = workflow.PairedTo(index)
		}
	}
	return paired
}

// withEmptyItem puts one empty item, paired to every input item, on output 0.
func withEmptyItem(main [][]workflow.Item, inputs [][]workflow.Item) [][]workflow.Item {
	all := &workflow.Pairing{Array: true}
	for input, items := range inputs {
		for i := range items {
			all.Refs = append(all.Refs, workflow.Pair{Item: i, Input: input})
		}
	}
	item := workflow.Item{JSON: &workflow.Object{}, Paired: all}
	out := append([][]workflow.Item{}, main...)
	if len(out) == 0 {
		out = append(out, nil)
	}
	out[0] = []workflow.Item{item}
	return out
}

// splitErrors moves the items that stand for failures to an output behind the
// regular ones, each over the fields of the input item it was made from.
func splitErrors(main [][]workflow.Item, regular int, inputs [][]workflow.Item) [][]workflow.Item {
	out := make([][]workflow.Item, max(regular, len(main))+1)
	var failed []workflow.Item
	for o := range out[:len(out)-1] {
		out[o] = []workflow.Item{}
		for _, item := range outputOf(main, o) {
			message, isError := errorOf(&item)
			if !isError {
				out[o] = append(out[o], item)
				continue
			}
			failed = append(failed, overInput(item, message, inputs))
		}
	}
	out[len(out)-1] = append([]workflow.Item{}, failed...)
	return out
}

// errorOf tells an item that stands for a failure: it is marked, or its json
// is nothing but an error (and a message).
func errorOf(item *workflow.Item) (any, bool) {
	value, has := item.JSON.Get("error")
	if item.Error != nil {
		if !has {
			value = item.Error.Message
		}
		return value, true
	}
	if !has || value == nil {
		return nil, false
	}
	_, message := item.JSON.Get("message")
	return value, item.JSON.Len() == 1 || (item.JSON.Len() == 2 && message)
}

func overInput(item workflow.Item, message any, inputs [][]workflow.Item) workflow.Item {
	item.Error = nil
	base := &workflow.Object{}
	if item.Paired != nil && len(item.Paired.Refs) > 0 {
		ref := item.Paired.Refs[0]
		if in := outputOf(inputs, ref.Input); ref.Item >= 0 && ref.Item < len(in) {
			base = in[ref.Item].JSON.Copy()
		}
	}
	for i := range item.JSON.Len() {
		key, value := item.JSON.At(i)
		base.Set(key, value)
	}
	base.Set("error", message)
	item.JSON = base
	return item
}
