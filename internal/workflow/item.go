package workflow

import "encoding/json"

// Item is what flows between nodes: one JSON object, files beside it, and
// where it came from.
type Item struct {
	JSON   *Object            `json:"json"`
	Binary map[string]*Binary `json:"binary,omitempty"`
	Paired *Pairing           `json:"pairedItem,omitempty"`
	Error  *ItemError         `json:"error,omitempty"`
}

// Binary is a file that travels with an item. Data is base64 text, as in the
// document format, unless ID names content kept in the store.
type Binary struct {
	Data          string `json:"data,omitempty"`
	ID            string `json:"id,omitempty"`
	MimeType      string `json:"mimeType"`
	FileType      string `json:"fileType,omitempty"`
	FileExtension string `json:"fileExtension,omitempty"`
	FileName      string `json:"fileName,omitempty"`
	Directory     string `json:"directory,omitempty"`
	FileSize      string `json:"fileSize,omitempty"`

	// Source reads what ID names; the engine sets it for the node that runs.
	Source BinarySource `json:"-"`
}

// BinarySource reads content that is kept in the store.
type BinarySource interface {
	Content(id string) ([]byte, error)
}

// ItemError is a failure that was caught at one item. Node-level failures are
// *Failure.
type ItemError struct {
	Message string `json:"message"`
	Name    string `json:"name,omitempty"`
	Code    string `json:"code,omitempty"`
	// Detail is the object placed into the item's json.error where the node
	// type reports more than a sentence; nil otherwise.
	Detail *Object `json:"detail,omitempty"`
}

// Pair points at an item of a node's input: its index, the input it came by,
// and, after a loop, the source to look in instead of the recorded one.
type Pair struct {
	Item            int     `json:"item"`
	Input           int     `json:"input,omitempty"`
	SourceOverwrite *Source `json:"sourceOverwrite,omitempty"`
}

// Pairing says which input items an item was made from. In JSON it is a
// number, an object or an array of objects; Array keeps the last form for a
// single pair.
type Pairing struct {
	Refs  []Pair
	Array bool
}

// PairedTo returns the pairing with one item of input 0.
func PairedTo(index int) *Pairing { return &Pairing{Refs: []Pair{{Item: index}}} }

// MarshalJSON writes an object for a single pair and an array otherwise.
func (p *Pairing) MarshalJSON() ([]byte, error) {
	if len(p.Refs) == 1 && !p.Array {
		return json.Marshal(p.Refs[0])
	}
	if p.Refs == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(p.Refs)
}

// UnmarshalJSON accepts the three forms.
func (p *Pairing) UnmarshalJSON(data []byte) error {
	var n int
	if json.Unmarshal(data, &n) == nil {
		*p = Pairing{Refs: []Pair{{Item: n}}}
		return nil
	}
	var one Pair
	if json.Unmarshal(data, &one) == nil {
		*p = Pairing{Refs: []Pair{one}}
		return nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	p.Array = true
	for _, r := range raw {
		var sub Pairing
		if err := sub.UnmarshalJSON(r); err != nil {
			return err
		}
		p.Refs = append(p.Refs, sub.Refs...)
	}
	return nil
}

// Source says where a node run's input came from.
type Source struct {
	PreviousNode       string `json:"previousNode"`
	PreviousNodeOutput int    `json:"previousNodeOutput"`
	PreviousNodeRun    int    `json:"previousNodeRun"`
}
