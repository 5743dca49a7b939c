package node

import (
	"context"
	"fmt"
	"time"

	"flowgate/internal/workflow"
)

// filterParam is the condition builder of If, Filter and Switch from their
// second major version on.
type filterParam struct {
	Options    filterOptions     `json:"options" doc:"How values are compared."`
	Combinator string            `json:"combinator" doc:"Whether all conditions must hold or one is enough." default:"and" enum:"and,or"`
	Conditions []filterCondition `json:"conditions" doc:"The conditions." required:"true"`
}

type filterOptions struct {
	CaseSensitive  bool    `json:"caseSensitive" doc:"Whether case counts in texts." default:"true"`
	LeftValue      any     `json:"leftValue" expr:"no"`
	TypeValidation string  `json:"typeValidation" doc:"strict: a value of another type than the operator's is an error; loose: it is converted." default:"strict" enum:"strict,loose"`
	Version        float64 `json:"version" doc:"Rules of conversion; 2 or 3 for new nodes." default:"1"`
}

type filterCondition struct {
	ID         string         `json:"id" doc:"Any text that is unique in the list." expr:"no"`
	LeftValue  Value          `json:"leftValue" doc:"What is tested, usually an expression." example:"={{ $json.status }}"`
	RightValue Value          `json:"rightValue" doc:"What it is compared with; not used by operators that take one value."`
	Operator   filterOperator `json:"operator" doc:"The type of the values and the operation." required:"true"`
}

type filterOperator struct {
	Type        string `json:"type" doc:"Type of the left value." required:"true" expr:"no" enum:"string,number,boolean,dateTime,array,object,any"`
	Operation   string `json:"operation" doc:"All types: exists, notExists, empty, notEmpty. string: equals, notEquals, contains, notContains, startsWith, notStartsWith, endsWith, notEndsWith, regex, notRegex. number: equals, notEquals, gt, lt, gte, lte. dateTime: equals, notEquals, after, before, afterOrEquals, beforeOrEquals. boolean: true, false, equals, notEquals. array: contains, notContains, lengthEquals, lengthNotEquals, lengthGt, lengthLt, lengthGte, lengthLte." required:"true" expr:"no"`
	SingleValue bool   `json:"singleValue" doc:"Set for operations that take only the left value." expr:"no"`
	RightType   string `json:"rightType" doc:"Type of the right value where it differs from the left's." expr:"no"`
	Name        string `json:"name" expr:"no"`
}

// rules are the comparison rules in force for one item.
type rules struct {
	ignoreCase bool
	loose      bool
	version    float64
	zone       *time.Location
}

// holds reports whether the conditions hold for item i.
func (f *filterParam) holds(ctx context.Context, r rules, i int) (bool, error) {
	r.ignoreCase = r.ignoreCase || !f.Options.CaseSensitive
	r.loose = r.loose || f.Options.TypeValidation == "loose"
	r.version = f.Options.Version
	any := f.Combinator == "or"
	for n := range f.Conditions {
		ok, err := f.Conditions[n].holds(ctx, r, i)
		if err != nil {
			return false, atCondition(err, n, i)
		}
		if ok == any {
			return ok, nil
		}
	}
	return !any, nil
}

func atCondition(err error, n, i int) error {
	f, ok := err.(*Failure)
	if !ok || f.Item != nil {
		return err
	}
	c := *f
	c.Message = fmt.Sprintf("%s [condition %d, item %d]", f.Message, n, i)
	c.Item = &i
	return &c
}

func (c *filterCondition) holds(ctx context.Context, r rules, i int) (bool, error) {
	left, err := c.LeftValue.Resolve(ctx, i, nil)
	if err != nil {
		return false, err
	}
	op := c.Operator
	undefined := isUndefined(left)
	left = plain(left)
	exists := left != nil
	if left, err = r.convert(left, op.Type, "left value"); err != nil {
		return false, err
	}
	switch op.Operation {
	case "exists":
		return exists, nil
	case "notExists":
		return !exists, nil
	case "empty":
		return r.isEmpty(left, op.Type), nil
	case "notEmpty":
		return !r.isEmpty(left, op.Type), nil
	case "true":
		return left == true, nil
	case "false":
		return left == false, nil
	}
	right, err := c.RightValue.At(ctx, i)
	if err != nil {
		return false, err
	}
	if right, err = r.convert(right, rightType(op), "right value"); err != nil {
		return false, err
	}
	return r.compare(op, operand{left, undefined}, right)
}

func rightType(op filterOperator) string {
	switch {
	case op.RightType != "":
		return op.RightType
	case op.Type == "array":
		if len(op.Operation) > 6 && op.Operation[:6] == "length" {
			return "number"
		}
		return "any"
	}
	return op.Type
}

// convert brings v to the type the operator expects; null stays null.
func (r rules) convert(v any, typ, side string) (any, error) {
	if v == nil {
		return nil, nil
	}
	var out any
	var ok bool
	switch typ {
	case "string":
		out, ok = v, isKind[string](v)
		if !ok && r.loose {
			out, ok = textOf(v), true
		}
	case "number":
		out, ok = r.number(v)
	case "boolean":
		out, ok = r.boolean(v)
	case "dateTime":
		var t time.Time
		if t, ok = parseDate(v, r.zone); ok {
			out = t
		}
		if !isKind[string](v) && !r.loose {
			ok = false
		}
	case "array":
		out, ok = v, isKind[[]any](v)
		if !ok && r.loose {
			out, ok = parsed(v).([]any)
		}
	case "object":
		out, ok = v, isKind[*workflow.Object](v)
		if !ok && r.loose {
			out, ok = parsed(v).(*workflow.Object)
		}
	default:
		return v, nil
	}
	if ok {
		return out, nil
	}
	return nil, r.wrongType(v, typ, side)
}

func (r rules) wrongType(v any, typ, side string) error {
	f := Fail("The %s is %s, but the operator compares values of type %s.", side, describe(v), typ)
	if r.loose {
		f.Description = "It could not be converted either. Correct the value or choose an operator of another type."
	} else {
		f.Description = "Convert the value, choose an operator of another type, or set typeValidation to loose."
	}
	return f
}

func isKind[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func (r rules) number(v any) (any, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	if !r.loose {
		return nil, false
	}
	if r.version >= 3 && isEmptyValue(v) {
		return nil, true
	}
	f := jsNumber(v)
	if list, ok := v.([]any); ok && len(list) == 0 {
		f = 0
	}
	return f, f == f
}

func (r rules) boolean(v any) (any, bool) {
	if b, ok := v.(bool); ok {
		return b, true
	}
	if !r.loose {
		return nil, false
	}
	if r.version < 2 {
		return truthy(v), true
	}
	if isContainer(v) {
		return nil, false
	}
	b, ok := boolOf(v)
	return b, ok
}

func (r rules) isEmpty(v any, typ string) bool {
	if t, ok := v.(time.Time); ok {
		return t.IsZero()
	}
	return isEmptyValue(v)
}
