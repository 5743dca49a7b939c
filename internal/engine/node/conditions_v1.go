package node

import (
	"context"
	"strings"
	"time"
)

// groupedConditions are the conditions of If 1 and Filter 1: one list a type.
type groupedConditions struct {
	Boolean  []groupedCondition `json:"boolean" doc:"Operations: equal, notEqual, isEmpty, isNotEmpty."`
	DateTime []groupedCondition `json:"dateTime" doc:"Operations: after, before, isEmpty, isNotEmpty."`
	Number   []groupedCondition `json:"number" doc:"Operations: smaller, smallerEqual, equal, notEqual, larger, largerEqual, isEmpty, isNotEmpty."`
	String   []groupedCondition `json:"string" doc:"Operations: equal, notEqual, contains, notContains, startsWith, notStartsWith, endsWith, notEndsWith, regex, notRegex, isEmpty, isNotEmpty."`
}

type groupedCondition struct {
	Value1    Value  `json:"value1"`
	Operation string `json:"operation"`
	Value2    Value  `json:"value2"`
}

// holds reports whether any (or all) of the conditions hold for item i.
func (g *groupedConditions) holds(ctx context.Context, zone *time.Location, any bool, i int) (bool, error) {
	groups := []struct {
		kind, operation string
		list            []groupedCondition
	}{
		{"boolean", "equal", g.Boolean}, {"dateTime", "after", g.DateTime},
		{"number", "smaller", g.Number}, {"string", "equal", g.String},
	}
	for _, group := range groups {
		for _, c := range group.list {
			left, err := c.Value1.At(ctx, i)
			if err != nil {
				return false, err
			}
			right, err := c.Value2.At(ctx, i)
			if err != nil {
				return false, err
			}
			ok, err := compareGrouped(group.kind, firstOf(c.Operation, group.operation), left, right, zone)
			if err != nil {
				return false, AtItem(err, i)
			}
			if ok == any {
				return ok, nil
			}
		}
	}
	return !any, nil
}

// compareGrouped compares by the rules of the first versions: loosely.
func compareGrouped(kind, op string, left, right any, zone *time.Location) (bool, error) {
	switch op {
	case "isEmpty":
		return isEmptyValue(left), nil
	case "isNotEmpty":
		return !isEmptyValue(left), nil
	}
	if base, ok := negated(op); ok {
		yes, err := compareGrouped(kind, base, left, right, zone)
		return !yes, err
	}
	switch kind {
	case "number":
		return compareGroupedNumbers(op, left, right)
	case "dateTime":
		a, okA := parseDate(left, zone)
		b, okB := parseDate(right, zone)
		if !okA || !okB {
			return false, Fail("%s cannot be compared with %s: at least one is no date.", describe(left), describe(right))
		}
		switch op {
		case "after":
			return a.After(b), nil
		case "before":
			return a.Before(b), nil
		case "equal":
			return a.Equal(b), nil
		}
	case "boolean":
		if op == "equal" {
			a, okA := boolOf(left)
			b, okB := boolOf(right)
			return okA && okB && a == b, nil
		}
	case "string":
		return compareGroupedTexts(op, left, right)
	}
	return false, unknownOperation(filterOperator{Type: kind, Operation: op})
}

func compareGroupedNumbers(op string, left, right any) (bool, error) {
	a, b := jsNumber(left), jsNumber(right)
	switch op {
	case "smaller":
		return a < b, nil
	case "smallerEqual":
		return a <= b, nil
	case "larger":
		return a > b, nil
	case "largerEqual":
		return a >= b, nil
	case "equal":
		if left == nil || right == nil {
			return left == right, nil
		}
		return a == b, nil
	}
	return false, unknownOperation(filterOperator{Type: "number", Operation: op})
}

func compareGroupedTexts(op string, left, right any) (bool, error) {
	a, b := textOf(left), textOf(right)
	switch op {
	case "equal":
		return a == b, nil
	case "contains":
		return strings.Contains(a, b), nil
	case "startsWith":
		return strings.HasPrefix(a, b), nil
	case "endsWith":
		return strings.HasSuffix(a, b), nil
	case "regex":
		return matches(b, a)
	}
	return false, unknownOperation(filterOperator{Type: "string", Operation: op})
}
