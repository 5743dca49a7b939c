package workflow

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
)

// Normalize fills in what real documents leave out, in place: ids, names,
// type versions (newest gives the one to write for a type, 0 if unknown),
// positions, null output slots, connection types. Duplicate names get a
// number; connections and expressions keep meaning the first. It leaves
// settings.executionOrder alone, whose absence has a meaning of its own (see
// NewDocument). Normalizing twice changes nothing more.
func Normalize(doc *Document, newest func(nodeType string) float64) {
	normalizeNames(doc)
	ids := map[string]bool{}
	for i := range doc.Nodes {
		n := &doc.Nodes[i]
		if n.ID == "" || ids[n.ID] {
			n.ID = nodeID(doc, i, ids)
		}
		ids[n.ID] = true
		if n.Parameters == nil {
			n.Parameters = &Object{}
		}
		if n.TypeVersion == 0 {
			n.TypeVersion = 1
			if newest != nil {
				if v := newest(n.Type); v > 0 {
					n.TypeVersion = v
				}
			}
		}
	}
	normalizePositions(doc)
	normalizeConnections(doc)
	if doc.Name == "" {
		doc.Name = "My workflow"
	}
}

// NewDocument prepares a document that was written here, not imported: it is
// normalized and runs in execution order v1.
func NewDocument(doc *Document, newest func(nodeType string) float64) {
	Normalize(doc, newest)
	if doc.Settings.ExecutionOrder == "" {
		doc.Settings.ExecutionOrder = "v1"
	}
}

func normalizeNames(doc *Document) {
	taken := map[string]bool{}
	for i := range doc.Nodes {
		taken[doc.Nodes[i].Name] = true
	}
	seen := map[string]bool{}
	for i := range doc.Nodes {
		n := &doc.Nodes[i]
		if n.Name == "" {
			n.Name = freeName(baseName(n.Type), taken)
		} else if seen[n.Name] {
			n.Name = freeName(n.Name, taken)
		}
		seen[n.Name], taken[n.Name] = true, true
	}
}

func freeName(base string, taken map[string]bool) string {
	if !taken[base] {
		return base
	}
	for i := 1; ; i++ {
		if name := base + strconv.Itoa(i); !taken[name] {
			return name
		}
	}
}

// baseName makes a name of a type: "n8n-nodes-base.splitOut" → "Split Out".
func baseName(nodeType string) string {
	short := nodeType[strings.LastIndexByte(nodeType, '.')+1:]
	var b strings.Builder
	for i, r := range short {
		switch {
		case i == 0:
			b.WriteString(strings.ToUpper(string(r)))
		case r >= 'A' && r <= 'Z':
			b.WriteString(" " + string(r))
		default:
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return "Node"
	}
	return b.String()
}

// nodeID derives a UUID from the node's place and name, so that documents
// normalized twice agree.
func nodeID(doc *Document, i int, taken map[string]bool) string {
	for salt := 0; ; salt++ {
		h := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%d\x00%s\x00%s\x00%d", doc.ID, i, doc.Nodes[i].Name, doc.Nodes[i].Type, salt)))
		h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8, variant 1
		id := fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
		if !taken[id] {
			return id
		}
	}
}

// normalizePositions lays out nodes when none of several has a place: order
// v1 depends on them.
func normalizePositions(doc *Document) {
	if len(doc.Nodes) < 2 {
		return
	}
	for i := range doc.Nodes {
		if doc.Nodes[i].Position != [2]float64{} {
			return
		}
	}
	for i := range doc.Nodes {
		doc.Nodes[i].Position = [2]float64{float64(i) * 220, 0}
	}
}

func normalizeConnections(doc *Document) {
	if doc.Connections == nil {
		doc.Connections = Connections{}
	}
	for _, kinds := range doc.Connections {
		for kind, outputs := range kinds {
			for i, targets := range outputs {
				if targets == nil {
					outputs[i] = []Target{}
				}
				for j := range targets {
					if targets[j].Type == "" {
						targets[j].Type = kind
					}
				}
			}
		}
	}
}

// RenameNode gives a node another name everywhere: in connections, pinned
// data, expressions and code. The caller sees to it that to is free.
func RenameNode(doc *Document, from, to string) {
	n := doc.NodeByName(from)
	if n == nil || from == to {
		return
	}
	n.Name = to
	if out, ok := doc.Connections[from]; ok {
		delete(doc.Connections, from)
		doc.Connections[to] = out
	}
	for _, kinds := range doc.Connections {
		for _, outputs := range kinds {
			for _, targets := range outputs {
				for i := range targets {
					if targets[i].Node == from {
						targets[i].Node = to
					}
				}
			}
		}
	}
	if pins, ok := doc.PinData[from]; ok {
		delete(doc.PinData, from)
		doc.PinData[to] = pins
	}
	for i := range doc.Nodes {
		if p, ok := renameIn(doc.Nodes[i].Parameters, from, to).(*Object); ok {
			doc.Nodes[i].Parameters = p
		}
	}
}

func renameIn(v any, from, to string) any {
	switch v := v.(type) {
	case string:
		return renameReferences(v, from, to)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = renameIn(e, from, to)
		}
		return out
	case *Object:
		out := v.Copy()
		for i, e := range out.vals {
			out.vals[i] = renameIn(e, from, to)
		}
		return out
	}
	return v
}
