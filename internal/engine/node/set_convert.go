package node

import (
	"flowgate/internal/workflow"
)

// convertField brings v to the type of a field; null stays null.
func convertField(v any, kind string) (any, bool) {
	if v == nil {
		return nil, true
	}
	switch kind {
	case "string":
		return textOf(v), true
	case "number":
		if isContainer(v) {
			return nil, false
		}
		f := jsNumber(v)
		return f, f == f
	case "boolean":
		return convertBoolean(v)
	case "array":
		list, ok := parsed(v).([]any)
		return list, ok
	case "object":
		o, ok := parsed(v).(*workflow.Object)
		return o, ok
	}
	return v, true
}

func convertBoolean(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case float64:
		return v == 1, v == 0 || v == 1
	case string:
		switch lower(v) {
		case "true", "1":
			return true, true
		case "false", "0":
			return false, true
		}
	}
	return nil, false
}
