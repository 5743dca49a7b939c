package node

import (
	"strings"

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
		list, ok := parsedLoosely(v).([]any)
		return list, ok
	case "object":
		o, ok := parsedLoosely(v).(*workflow.Object)
		return o, ok
	}
	return v, true
}

// parsedLoosely reads text that holds JSON, be it in single quotes.
func parsedLoosely(v any) any {
	out := parsed(v)
	if s, ok := out.(string); ok {
		return parsed(strings.ReplaceAll(s, "'", `"`))
	}
	return out
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
