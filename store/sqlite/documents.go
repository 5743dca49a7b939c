package sqlite

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"flowgate/internal/workflow"
)

// documents keeps decoded documents of workflows that are read often. A
// version never changes once it is saved, in whichever process, so its number
// says whether the decoded one still holds.
type documents struct {
	mu    sync.Mutex
	byID  map[string]decoded // the newest version that was read
	bytes int
}

type decoded struct {
	version  int
	bytes    int // of its JSON
	document workflow.Document
}

// maxDocuments bounds the JSON whose documents are kept, maxDocument that of one.
const (
	maxDocuments = 8 << 20
	maxDocument  = 1 << 20
)

// version returns which version of the workflow is kept, 0 for none.
func (c *documents) version(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[id].version
}

// get returns a document of that version that is the caller's to change, but
// for the values below parameters and items, which nobody changes.
func (c *documents) get(id string, version int) (workflow.Document, bool) {
	c.mu.Lock()
	d, ok := c.byID[id]
	c.mu.Unlock()
	if !ok || d.version != version {
		return workflow.Document{}, false
	}
	return ownDocument(d.document), true
}

// put keeps d, which is nobody's from now on.
func (c *documents) put(id string, version, bytes int, d workflow.Document) {
	if bytes > maxDocument {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += bytes - c.byID[id].bytes
	if c.byID == nil || c.bytes > maxDocuments {
		c.byID, c.bytes = map[string]decoded{}, bytes
	}
	c.byID[id] = decoded{version, bytes, d}
}

// ownDocument copies what changing a document in place touches.
func ownDocument(d workflow.Document) workflow.Document {
	d.Nodes = slices.Clone(d.Nodes)
	for i := range d.Nodes {
		d.Nodes[i].Credentials = maps.Clone(d.Nodes[i].Credentials)
	}
	d.Tags = slices.Clone(d.Tags)
	d.PinData = maps.Clone(d.PinData)
	if d.Connections == nil {
		return d
	}
	connections := make(workflow.Connections, len(d.Connections))
	for from, kinds := range d.Connections {
		own := make(map[string][][]workflow.Target, len(kinds))
		for kind, outputs := range kinds {
			list := slices.Clone(outputs)
			for i := range list {
				list[i] = slices.Clone(list[i])
			}
			own[kind] = list
		}
		connections[from] = own
	}
	d.Connections = connections
	return d
}

// decode reads w's document from data, or takes the one that is kept where data
// is empty; false when that was dropped meanwhile.
func (c *documents) decode(w *workflow.Workflow, data []byte) (bool, error) {
	if len(data) == 0 {
		var ok bool
		w.Document, ok = c.get(w.ID, w.Version)
		return ok, nil
	}
	var d workflow.Document
	if err := json.Unmarshal(data, &d); err != nil {
		return false, err
	}
	c.put(w.ID, w.Version, len(data), d)
	w.Document = ownDocument(d)
	return true, nil
}
