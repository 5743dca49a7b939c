package node

import (
	"cmp"
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

// compareGrouped compares by the rules of the first versions: what is equal is
// so without a conversion, and the types of the other operations convert.
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
			return identical(left, right), nil
		}
	case "string":
		return compareGroupedTexts(op, left, right)
	}
	return false, unknownOperation(filterOperator{Type: kind, Operation: op})
}

// compareGroupedNumbers orders like JavaScript's operators do: two texts by
// their characters, all else as numbers. What is empty counts as 0.
func compareGroupedNumbers(op string, left, right any) (bool, error) {
	if op == "equal" {
		return identical(left, right), nil
	}
	c := 0
	a, isTextA := left.(string)
	b, isTextB := right.(string)
	if isTextA && isTextB && a != "" && b != "" {
		c = strings.Compare(a, b)
	} else {
		x, y := jsNumber(left), jsNumber(right)
		if x != x || y != y { // NaN is in no order
			return false, nil
		}
		c = cmp.Compare(x, y)
	}
	switch op {
	case "smaller":
		return c < 0, nil
	case "smallerEqual":
		return c <= 0, nil
	case "larger":
		return c > 0, nil
	case "largerEqual":
		return c >= 0, nil
	}
	return false, unknownOperation(filterOperator{Type: "number", Operation: op})
}

func compareGroupedTexts(op string, left, right any) (bool, error) {
	switch op {
	case "equal":
		return identical(left, right), nil
	case "contains":
		return strings.Contains(looseText(left), looseText(right)), nil
	case "regex":
		return matches(looseText(right), looseText(left))
	case "startsWith", "endsWith":
		a, ok := left.(string)
		if !ok {
			return false, Fail("The left value is %s, but the operation %s is for texts.", describe(left), op)
		}
		if op == "startsWith" {
			return strings.HasPrefix(a, textOf(right)), nil
		}
		return strings.HasSuffix(a, textOf(right)), nil
	}
	return false, unknownOperation(filterOperator{Type: "string", Operation: op})
}

// identical reports whether a and b are the same without any conversion: the
// text "5" is not the number 5, and no two objects are the same.
func identical(a, b any) bool { return !isContainer(a) && !isContainer(b) && a == b }

// looseText is v as text where nothing, 0 and false are no text.
func looseText(v any) string {
	if v == false || v == 0.0 {
		return ""
	}
	if v == nil {
		return ""
	}
	return jsText(v)
}
