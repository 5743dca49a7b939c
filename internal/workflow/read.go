package workflow

import (
	"fmt"
	"strconv"
)

// The decoders of documents read one tree of ordered values into structs:
// what a struct does not name stays in Extra, in order.

// UnmarshalJSON reads a document, tolerating what real files hold: tags given
// as objects, numbers as ids, connections as an empty list. It keeps unknown
// fields.
func (d *Document) UnmarshalJSON(data []byte) error {
	o, err := decodeRoot(data)
	if err != nil || o == nil {
		return err
	}
	*d = Document{}
	for i, key := range o.keys {
		if err := d.set(key, o.vals[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) set(key string, v any) (err error) {
	switch key {
	case "id":
		d.ID = textOrNumber(v)
	case "name":
		d.Name, _ = v.(string)
	case "description":
		d.Description, _ = v.(string)
	case "nodes":
		d.Nodes, err = readNodes(v)
	case "connections":
		d.Connections, err = readConnections(v)
	case "settings":
		d.Settings = readSettings(v)
	case "pinData":
		d.PinData = readPinData(v)
	case "staticData":
		d.StaticData, _ = v.(*Object)
	case "tags":
		d.Tags = readTags(v)
	case "active":
		d.Active, _ = v.(bool)
	default:
		setExtra(&d.Extra, key, v)
	}
	return err
}

// UnmarshalJSON reads a node and keeps unknown fields. Null or absent
// parameters become an empty object.
func (n *Node) UnmarshalJSON(data []byte) error {
	o, err := decodeRoot(data)
	if err != nil || o == nil {
		return err
	}
	*n = readNode(o)
	return nil
}

// UnmarshalJSON reads settings and keeps unknown ones.
func (s *Settings) UnmarshalJSON(data []byte) error {
	o, err := decodeRoot(data)
	if err == nil && o != nil {
		*s = readSettings(o)
	}
	return err
}

// UnmarshalJSON reads pinned items, keeping the order of their keys.
func (p *PinData) UnmarshalJSON(data []byte) error {
	o, err := decodeRoot(data)
	if err == nil {
		*p = readPinData(o)
	}
	return err
}

// UnmarshalJSON reads connections, tolerating an empty list and null outputs.
func (c *Connections) UnmarshalJSON(data []byte) error {
	v, err := DecodeJSON(data)
	if err != nil {
		return err
	}
	*c, err = readConnections(v)
	return err
}

// decodeRoot reads an object, nil for null.
func decodeRoot(data []byte) (*Object, error) {
	v, err := DecodeJSON(data)
	if err != nil || v == nil {
		return nil, err
	}
	o, ok := v.(*Object)
	if !ok {
		return nil, fmt.Errorf("expected a JSON object, got %s", KindOf(v))
	}
	return o, nil
}

func setExtra(extra **Object, key string, v any) {
	if *extra == nil {
		*extra = &Object{}
	}
	(*extra).Set(key, v)
}

func readNodes(v any) ([]Node, error) {
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return nil, nil
		}
		return nil, fmt.Errorf("nodes: expected an array, got %s", KindOf(v))
	}
	nodes := make([]Node, 0, len(list))
	for i, e := range list {
		o, ok := e.(*Object)
		if !ok {
			return nil, fmt.Errorf("nodes[%d]: expected an object, got %s", i, KindOf(e))
		}
		nodes = append(nodes, readNode(o))
	}
	return nodes, nil
}

func readNode(o *Object) Node {
	n := Node{Parameters: &Object{}}
	for i, key := range o.keys {
		if v := o.vals[i]; !n.setText(key, v) && !n.setFlag(key, v) && !n.setRest(key, v) {
			setExtra(&n.Extra, key, v)
		}
	}
	return n
}

func (n *Node) setText(key string, v any) bool {
	text, _ := v.(string)
	switch key {
	case "id":
		n.ID = textOrNumber(v)
	case "name":
		n.Name = textOrNumber(v)
	case "type":
		n.Type = text
	case "onError":
		n.OnError = text
	case "notes":
		n.Notes = text
	case "webhookId":
		n.WebhookID = text
	default:
		return false
	}
	return true
}

func (n *Node) setFlag(key string, v any) bool {
	flag := truthy(v)
	switch key {
	case "disabled":
		n.Disabled = flag
	case "continueOnFail":
		n.ContinueOnFail = flag
	case "retryOnFail":
		n.RetryOnFail = flag
	case "alwaysOutputData":
		n.AlwaysOutputData = flag
	case "executeOnce":
		n.ExecuteOnce = flag
	default:
		return false
	}
	return true
}

func (n *Node) setRest(key string, v any) bool {
	switch key {
	case "typeVersion":
		n.TypeVersion, _ = numeric(v)
	case "position":
		n.Position = readPosition(v)
	case "parameters":
		if p, ok := v.(*Object); ok {
			n.Parameters = p
		}
	case "credentials":
		n.Credentials = readCredentials(v)
	case "maxTries":
		tries, _ := numeric(v)
		n.MaxTries = int(min(max(tries, 0), 1e6))
	case "waitBetweenTries":
		if ms, ok := numeric(v); ok {
			wait := int(min(max(ms, 0), 1e9))
			n.WaitBetweenTries = &wait
		}
	default:
		return false
	}
	return true
}

func readPosition(v any) (p [2]float64) {
	list, _ := v.([]any)
	for i := range min(len(list), 2) {
		p[i], _ = numeric(list[i])
	}
	return p
}

// readCredentials accepts the present form {type: {id, name}} and the older
// {type: "name"}.
func readCredentials(v any) map[string]CredentialRef {
	o, _ := v.(*Object)
	if o == nil {
		return nil
	}
	out := make(map[string]CredentialRef, o.Len()) // not nil: no credentials, and that on purpose
	for i, kind := range o.keys {
		var ref CredentialRef
		switch v := o.vals[i].(type) {
		case string:
			ref.Name = v
		case *Object:
			ref.ID = textOrNumber(v.Value("id"))
			ref.Name, _ = v.Value("name").(string)
		}
		out[kind] = ref
	}
	return out
}

func readConnections(v any) (Connections, error) {
	o, ok := v.(*Object)
	if !ok {
		if list, isList := v.([]any); v == nil || isList && len(list) == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("connections: expected an object, got %s", KindOf(v))
	}
	c := make(Connections, o.Len())
	for i, from := range o.keys {
		kinds, ok := o.vals[i].(*Object)
		if !ok {
			return nil, fmt.Errorf("connections.%s: expected an object such as {\"main\": [[…]]}, got %s", from, KindOf(o.vals[i]))
		}
		c[from] = make(map[string][][]Target, kinds.Len())
		for j, kind := range kinds.keys {
			outputs, err := readOutputs(kinds.vals[j])
			if err != nil {
				return nil, fmt.Errorf("connections.%s.%s%w", from, kind, err)
			}
			c[from][kind] = outputs
		}
	}
	return c, nil
}

func readOutputs(v any) ([][]Target, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf(": expected an array of outputs, got %s", KindOf(v))
	}
	outputs := make([][]Target, len(list))
	for i, e := range list {
		if e == nil {
			continue
		}
		targets, ok := e.([]any)
		if !ok {
			return nil, fmt.Errorf("[%d]: expected an array of targets, got %s", i, KindOf(e))
		}
		outputs[i] = make([]Target, 0, len(targets))
		for j, t := range targets {
			o, ok := t.(*Object)
			if !ok {
				return nil, fmt.Errorf("[%d][%d]: expected an object such as {\"node\": \"Name\", \"type\": \"main\", \"index\": 0}, got %s", i, j, KindOf(t))
			}
			index, _ := numeric(o.Value("index"))
			kind, _ := o.Value("type").(string)
			outputs[i] = append(outputs[i], Target{Node: textOrNumber(o.Value("node")), Type: kind, Index: int(min(max(index, -1), 1e6))})
		}
	}
	return outputs, nil
}

func readSettings(v any) Settings {
	var s Settings
	o, _ := v.(*Object)
	for i := range o.Len() {
		key, v := o.At(i)
		text, _ := v.(string)
		switch key {
		case "executionOrder":
			s.ExecutionOrder = text
		case "timezone":
			s.Timezone = text
		case "errorWorkflow":
			s.ErrorWorkflow = textOrNumber(v)
		case "executionTimeout":
			s.ExecutionTimeout, _ = numeric(v)
		case "callerPolicy":
			s.CallerPolicy = text
		default:
			setExtra(&s.Extra, key, v)
		}
	}
	return s
}

func readPinData(v any) PinData {
	o, _ := v.(*Object)
	if o.Len() == 0 {
		return nil
	}
	pins := make(PinData, o.Len())
	for i, node := range o.keys {
		if list, ok := o.vals[i].([]any); ok {
			pins[node] = list
		}
	}
	return pins
}

func readTags(v any) []string {
	list, _ := v.([]any)
	var tags []string
	for _, e := range list {
		switch e := e.(type) {
		case string:
			tags = append(tags, e)
		case *Object:
			if name, _ := e.Value("name").(string); name != "" {
				tags = append(tags, name)
			}
		}
	}
	return tags
}

// textOrNumber is v as text where it is text or a number, "" otherwise.
func textOrNumber(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return string(AppendNumber(nil, v))
	}
	return ""
}

// numeric is v as a number where it is one or text that reads as one.
func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return false
}
