package sqlite

import (
	"slices"
	"strconv"

	"flowgate/internal/workflow"
)

// pieces is a list of JSON values, encoded one behind the other, so that the
// costly part of a flush is done before its transaction begins and the
// transaction only chooses what is new.
type pieces struct {
	data []byte // "[", then each value and a comma
	ends []int  // behind each value's comma
}

func (p *pieces) add(encode func(b []byte) ([]byte, error)) (err error) {
	if p.data == nil {
		p.data = append(make([]byte, 0, 1024), '[')
	}
	if p.data, err = encode(p.data); err != nil {
		return err
	}
	p.data = append(p.data, ',')
	p.ends = append(p.ends, len(p.data))
	return nil
}

// list returns the JSON array of the values for which keep is true, nil when
// there are none. It may reuse the pieces' memory: call it once.
func (p *pieces) list(keep []bool) []byte {
	if !slices.Contains(keep, true) {
		return nil
	}
	out := p.data
	if slices.Contains(keep, false) {
		out = []byte("[")
		start := 1
		for i, end := range p.ends {
			if keep[i] {
				out = append(out, p.data[start:end]...)
			}
			start = end
		}
	}
	out[len(out)-1] = ']'
	return out
}

// appendRun appends r as JSON. Items are written without reflection, which
// matters once there are many.
func appendRun(b []byte, r *workflow.NodeRun) ([]byte, error) {
	head := struct {
		*workflow.NodeRun
		Main *struct{} `json:"main,omitempty"` // in place of NodeRun's
	}{NodeRun: r}
	b, err := workflow.AppendJSON(b, head)
	if err != nil || r.Main == nil {
		return b, err
	}
	b = append(b[:len(b)-1], `,"main":[`...)
	for i, items := range r.Main {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendItems(b, items); err != nil {
			return b, err
		}
	}
	return append(b, `]}`...), nil
}

func appendItems(b []byte, items []workflow.Item) (_ []byte, err error) {
	if items == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendItem(b, &items[i]); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendItem(b []byte, item *workflow.Item) (_ []byte, err error) {
	if b, err = workflow.AppendJSON(append(b, `{"json":`...), item.JSON); err != nil {
		return b, err
	}
	if len(item.Binary) > 0 {
		if b, err = workflow.AppendJSON(append(b, `,"binary":`...), item.Binary); err != nil {
			return b, err
		}
	}
	if item.Paired != nil {
		if b, err = appendPairing(append(b, `,"pairedItem":`...), item.Paired); err != nil {
			return b, err
		}
	}
	if item.Error != nil {
		if b, err = workflow.AppendJSON(append(b, `,"error":`...), item.Error); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// appendPairing spares the usual pairing, with one item, the detour.
func appendPairing(b []byte, p *workflow.Pairing) ([]byte, error) {
	if p.Array || len(p.Refs) != 1 || p.Refs[0].SourceOverwrite != nil {
		return workflow.AppendJSON(b, p)
	}
	b = strconv.AppendInt(append(b, `{"item":`...), int64(p.Refs[0].Item), 10)
	if in := p.Refs[0].Input; in != 0 {
		b = strconv.AppendInt(append(b, `,"input":`...), int64(in), 10)
	}
	return append(b, '}'), nil
}
