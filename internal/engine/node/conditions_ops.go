package node

import (
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// operand is a left value after conversion, and whether it was undefined.
type operand struct {
	value     any
	undefined bool
}

// compare applies an operation that takes two values.
func (r rules) compare(op filterOperator, left operand, right any) (bool, error) {
	name := op.Operation
	if base, ok := negated(name); ok {
		op.Operation = base
		yes, err := r.compare(op, left, right)
		return !yes, err
	}
	switch op.Type {
	case "string":
		return r.compareText(name, left.value, right)
	case "number":
		return compareNumbers(name, left, right)
	case "dateTime":
		return compareTimes(name, left.value, right)
	case "boolean":
		if name == "equals" {
			return left.value == right, nil
		}
	case "array":
		return r.compareList(name, left.value, right)
	case "object", "any":
		if name == "equals" {
			return deepEqual(left.value, right), nil
		}
	}
	return false, unknownOperation(op)
}

// negated returns the operation that name negates.
func negated(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "not")
	if !ok || rest == "" {
		return "", false
	}
	return strings.ToLower(rest[:1]) + rest[1:], true
}

func unknownOperation(op filterOperator) error {
	return Fail("Values of type %q cannot be compared with %q; see the operations of the type in the schema.", op.Type, op.Operation)
}

func (r rules) fold(v any) string {
	s := textOf(v)
	if r.ignoreCase {
		return strings.ToLower(s)
	}
	return s
}

func (r rules) compareText(name string, left, right any) (bool, error) {
	a, b := r.fold(left), r.fold(right)
	switch name {
	case "equals":
		return a == b, nil // nothing is the empty text
	case "contains":
		return strings.Contains(a, b), nil
	case "startsWith":
		return strings.HasPrefix(a, b), nil
	case "endsWith":
		return strings.HasSuffix(a, b), nil
	case "regex":
		return matches(textOf(right), textOf(left))
	}
	return false, unknownOperation(filterOperator{Type: "string", Operation: name})
}

// compareNumbers compares as JavaScript does: null counts as 0 for sizes and
// undefined as no number.
func compareNumbers(name string, left operand, right any) (bool, error) {
	if name == "equals" {
		return left.value == right, nil
	}
	if left.undefined {
		return false, sizeOperation(name)
	}
	a, b := jsNumber(left.value), jsNumber(right)
	switch name {
	case "gt":
		return a > b, nil
	case "lt":
		return a < b, nil
	case "gte":
		return a >= b, nil
	case "lte":
		return a <= b, nil
	}
	return false, sizeOperation(name)
}

func sizeOperation(name string) error {
	switch name {
	case "gt", "lt", "gte", "lte":
		return nil
	}
	return unknownOperation(filterOperator{Type: "number", Operation: name})
}

func compareTimes(name string, left, right any) (bool, error) {
	a, okA := left.(time.Time)
	b, okB := right.(time.Time)
	if name == "equals" && !okA && !okB {
		return true, nil
	}
	both := okA && okB
	switch name {
	case "equals":
		return both && a.Equal(b), nil
	case "after":
		return both && a.After(b), nil
	case "before":
		return both && a.Before(b), nil
	case "afterOrEquals":
		return both && !a.Before(b), nil
	case "beforeOrEquals":
		return both && !a.After(b), nil
	}
	return false, unknownOperation(filterOperator{Type: "dateTime", Operation: name})
}

func (r rules) compareList(name string, left, right any) (bool, error) {
	list, _ := left.([]any)
	n := float64(len(list))
	size := jsNumber(right)
	switch name {
	case "contains":
		for _, e := range list {
			if s, ok := e.(string); ok && r.ignoreCase {
				if t, ok := right.(string); ok && strings.EqualFold(s, t) {
					return true, nil
				}
			}
			if deepEqual(e, right) {
				return true, nil
			}
		}
		return false, nil
	case "equals":
		return deepEqual(left, right), nil
	case "lengthEquals":
		return n == size, nil
	case "lengthNotEquals":
		return n != size, nil
	case "lengthGt":
		return n > size, nil
	case "lengthLt":
		return n < size, nil
	case "lengthGte":
		return n >= size, nil
	case "lengthLte":
		return n <= size, nil
	}
	return false, unknownOperation(filterOperator{Type: "array", Operation: name})
}

// checkFilter finds unknown operators before anything runs.
func checkFilter(raw any, path string) []workflow.Finding {
	o, _ := raw.(*workflow.Object)
	list, _ := o.Value("conditions").([]any)
	var out []workflow.Finding
	for n, e := range list {
		cond, _ := e.(*workflow.Object)
		opObj, _ := cond.Value("operator").(*workflow.Object)
		op := filterOperator{Type: textOf(opObj.Value("type")), Operation: textOf(opObj.Value("operation"))}
		if op.Type == "" || op.Operation == "" || knownOperation(op) {
			continue
		}
		out = append(out, workflow.Finding{Code: FindingBadParameter,
			Path:    indexed(path+".conditions", n) + ".operator.operation",
			Message: unknownOperation(op).Error(), Hint: "Operations are named as in the schema, for instance equals, contains, gt."})
	}
	return out
}

func knownOperation(op filterOperator) bool {
	switch op.Operation {
	case "exists", "notExists", "empty", "notEmpty":
		return true
	case "true", "false":
		return op.Type == "boolean"
	}
	_, err := rules{zone: time.UTC}.compare(op, operand{}, nil)
	return err == nil
}
