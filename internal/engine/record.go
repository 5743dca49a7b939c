package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// record is what a step of an execution leaves behind: when it ended, and what
// it gave or how it failed. It is written as one line of text before the data,
// so that data which is text stays readable where it is stored.
type record struct {
	at   time.Time
	kind string
	data []byte
}

// The kinds of a record.
const (
	recordOK          = "ok"
	recordFailed      = "failed"       // data is a recordedFailure
	recordNodeTimeout = "node_timeout" // the node's time was up meanwhile
	recordTimeout     = "timeout"      // the execution's time was up meanwhile
)

func (r record) encode() []byte {
	b := strconv.AppendInt(make([]byte, 0, len(r.data)+32), r.at.UnixMilli(), 10)
	b = append(b, ' ')
	b = append(b, r.kind...)
	b = append(b, '\n')
	return append(b, r.data...)
}

func decodeRecord(b []byte) (record, error) {
	head, data, ok := bytes.Cut(b, []byte{'\n'})
	at, kind, ok2 := bytes.Cut(head, []byte{' '})
	ms, err := strconv.ParseInt(string(at), 10, 64)
	if !ok || !ok2 || err != nil {
		return record{}, workflow.Errorf(workflow.CodeInternal, "A recorded step cannot be read.")
	}
	return record{at: time.UnixMilli(ms).UTC(), kind: string(kind), data: data}, nil
}

// recordedFailure is an error as a record keeps it.
type recordedFailure struct {
	Code        workflow.Code    `json:"code,omitempty"` // of a *workflow.Error
	Message     string           `json:"message"`
	Description string           `json:"description,omitempty"`
	FailureCode string           `json:"failure_code,omitempty"`
	Item        *int             `json:"item,omitempty"`
	Detail      *workflow.Object `json:"detail,omitempty"`
}

// encodeFailure keeps what callers may see of err. Causes are left out: an
// execution computed again must see the same error.
func encodeFailure(err error) []byte {
	rec := recordedFailure{Message: err.Error()}
	var f *node.Failure
	var e *workflow.Error
	switch {
	case errors.As(err, &f):
		rec = recordedFailure{Message: f.Message, Description: f.Description, FailureCode: f.Code, Item: f.Item, Detail: f.Detail}
	case errors.As(err, &e):
		rec.Code, rec.Message = e.Code, e.Message
	}
	b, err := json.Marshal(rec)
	if err != nil {
		b, _ = json.Marshal(recordedFailure{Message: rec.Message}) // two strings always encode
	}
	return b
}

func decodeFailure(b []byte) error {
	var rec recordedFailure
	if err := json.Unmarshal(b, &rec); err != nil {
		return workflow.Errorf(workflow.CodeInternal, "A recorded failure cannot be read.")
	}
	if rec.Code != "" {
		return &workflow.Error{Code: rec.Code, Message: rec.Message}
	}
	return &node.Failure{Message: rec.Message, Description: rec.Description, Code: rec.FailureCode, Item: rec.Item, Detail: rec.Detail}
}
