package node

import (
	"errors"
	"fmt"

	"flowgate/internal/workflow"
)

// Fail returns a Failure with a formatted message.
func Fail(format string, args ...any) *Failure {
	return &Failure{Message: fmt.Sprintf(format, args...)}
}

// AtItem returns err as a Failure that knows which item was at fault.
func AtItem(err error, i int) error {
	var f *Failure
	if errors.As(err, &f) {
		if f.Item != nil {
			return err
		}
		c := *f
		c.Item = &i
		return &c
	}
	return &Failure{Message: err.Error(), Item: &i, Err: err}
}

// ErrorItem is the item that stands for a failed one: its json is {error},
// the message, or the object the node type reports.
func ErrorItem(err error, i int) workflow.Item {
	item := workflow.Item{Paired: workflow.PairedTo(i), Error: &workflow.ItemError{Message: err.Error()}}
	var value any = err.Error()
	var f *Failure
	if errors.As(err, &f) {
		item.Error.Message, item.Error.Code = f.Message, f.Code
		value = f.Message
		if f.Detail != nil {
			item.Error.Detail = f.Detail
			value = f.Detail
		}
	}
	item.JSON = workflow.NewObject("error", value)
	return item
}
