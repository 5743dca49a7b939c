package node

import (
	"encoding/json"
	"strings"

	"flowgate/internal/workflow"
)

// readItem reads an item written as {json, binary, pairedItem, error}.
func readItem(o *workflow.Object) (workflow.Item, error) {
	item := workflow.Item{JSON: &workflow.Object{}}
	for i := range o.Len() {
		key, v := o.At(i)
		switch key {
		case "json":
			obj, ok := v.(*workflow.Object)
			if !ok {
				return item, Fail("json is %s; it must be an object.", describe(v))
			}
			item.JSON = obj
		case "binary":
			files, err := readBinary(v)
			if err != nil {
				return item, err
			}
			item.Binary = files
		case "pairedItem":
			item.Paired = readPairing(v)
		case "error", "index", "sendMessage", "metadata", "evaluationData", "redaction":
		default:
			return item, Fail("An item has the unknown field %q beside json; move it into json.", clip(key, 60))
		}
	}
	if _, ok := o.Get("json"); !ok && item.Binary == nil {
		return item, Fail("An item has no json; other items of the list do. Wrap each as {json: {…}}.")
	}
	return item, nil
}

func readBinary(v any) (map[string]*workflow.Binary, error) {
	files, ok := v.(*workflow.Object)
	if !ok {
		if v == nil {
			return nil, nil
		}
		return nil, Fail("binary is %s; it must be an object of files.", describe(v))
	}
	out := make(map[string]*workflow.Binary, files.Len())
	for i := range files.Len() {
		name, f := files.At(i)
		file, ok := f.(*workflow.Object)
		if !ok {
			return nil, Fail("binary.%s is %s; it must be {data, mimeType, fileName}.", clip(name, 60), describe(f))
		}
		out[name] = &workflow.Binary{
			Data: textOf(file.Value("data")), ID: textOf(file.Value("id")), MimeType: textOf(file.Value("mimeType")),
			FileType: textOf(file.Value("fileType")), FileExtension: textOf(file.Value("fileExtension")),
			FileName: textOf(file.Value("fileName")), Directory: textOf(file.Value("directory")), FileSize: textOf(file.Value("fileSize")),
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// readPairing reads the three written forms of a pairing; what is none of
// them counts as absent.
func readPairing(v any) *workflow.Pairing {
	data, err := workflow.AppendJSON(nil, v)
	if v == nil || err != nil {
		return nil
	}
	p := &workflow.Pairing{}
	if err := json.Unmarshal([]byte(strings.TrimSpace(string(data))), p); err != nil {
		return nil
	}
	return p
}

// itemObject writes an item as an object, the reverse of readItem.
func itemObject(item workflow.Item) *workflow.Object {
	o := workflow.NewObject("json", item.JSON)
	if len(item.Binary) > 0 {
		if v, err := workflow.FromGo(item.Binary); err == nil {
			o.Set("binary", v)
		}
	}
	if item.Paired != nil {
		if v, err := workflow.FromGo(item.Paired); err == nil {
			o.Set("pairedItem", v)
		}
	}
	return o
}

// pairedToAll pairs an item with all n items of input 0.
func pairedToAll(n int) *workflow.Pairing {
	p := &workflow.Pairing{Array: true, Refs: make([]workflow.Pair, n)}
	for i := range p.Refs {
		p.Refs[i].Item = i
	}
	return p
}

// pairedToList pairs an item with some items of input 0.
func pairedToList(list []int) *workflow.Pairing {
	p := &workflow.Pairing{Array: true, Refs: make([]workflow.Pair, len(list))}
	for i, n := range list {
		p.Refs[i].Item = n
	}
	return p
}
