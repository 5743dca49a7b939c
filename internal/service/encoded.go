package service

import (
	"strconv"
	"sync"

	"flowgate/internal/workflow"
)

// encodedDocuments keeps the JSON of documents' nodes, connections and
// settings: what is asked for again and again, and never changes once a
// version is saved.
type encodedDocuments struct {
	mu    sync.Mutex
	parts map[string][]byte // by workflow and version
	bytes int
}

// maxEncoded bounds the JSON that is kept, maxEncodedOne that of one document.
const (
	maxEncoded    = 8 << 20
	maxEncodedOne = 256 << 10
)

// of returns the members nodes, connections and settings of w's document as
// JSON. They must not be changed.
func (e *encodedDocuments) of(w *workflow.Workflow) ([]byte, error) {
	key := w.ID + " " + strconv.Itoa(w.Version)
	e.mu.Lock()
	parts := e.parts[key]
	e.mu.Unlock()
	if parts != nil {
		return parts, nil
	}
	parts, err := encodeParts(w.Document.Nodes, w.Document.Connections, w.Document.Settings)
	if err != nil || len(parts) > maxEncodedOne {
		return parts, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bytes += len(parts); e.parts == nil || e.bytes > maxEncoded {
		e.parts, e.bytes = map[string][]byte{}, len(parts)
	}
	e.parts[key] = parts
	return parts, nil
}

func encodeParts(nodes []workflow.Node, connections workflow.Connections, settings workflow.Settings) ([]byte, error) {
	if nodes == nil {
		nodes = []workflow.Node{}
	}
	return appendMembers(nil, "nodes", nodes, "connections", connections, "settings", settings)
}

// appendMembers appends members of a JSON object: name, value pairs.
func appendMembers(b []byte, pairs ...any) ([]byte, error) {
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), pairs[i].(string)...), `":`...)
		var err error
		if b, err = workflow.AppendJSON(b, pairs[i+1]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// document returns the view's nodes, connections and settings as members of a
// JSON object.
func (v *WorkflowView) document() ([]byte, error) {
	if v.encoded != nil {
		return v.encoded, nil
	}
	return encodeParts(v.Nodes, v.Connections, v.Settings)
}

// MarshalJSON writes the view, its document as it was encoded before where it
// was.
func (v *WorkflowView) MarshalJSON() ([]byte, error) {
	document, err := v.document()
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(document)+512)
	if b, err = appendMembers(append(b, '{'), "workflow_id", v.WorkflowID, "name", v.Name, "description", v.Description); err != nil {
		return nil, err
	}
	b = append(append(b, ','), document...)
	more := []any{"tags", tagsOf(v.Tags), "active", v.Active, "version", v.Version}
	if len(v.PinData) > 0 {
		more = append(more, "pinData", v.PinData)
	}
	if len(v.Triggers) > 0 {
		more = append(more, "triggers", v.Triggers)
	}
	if b, err = appendMembers(append(b, ','), append(more, "created_at", v.CreatedAt, "updated_at", v.UpdatedAt)...); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

func tagsOf(tags []string) []any {
	out := make([]any, len(tags))
	for i, t := range tags {
		out[i] = t
	}
	return out
}
