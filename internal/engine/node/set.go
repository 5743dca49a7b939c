package node

import (
	"context"

	"flowgate/internal/workflow"
)

type setParams struct {
	Mode               string      `json:"mode" doc:"manual: assign field by field; raw: give the JSON of the whole object." default:"manual" enum:"manual,raw" expr:"no"`
	DuplicateItem      bool        `json:"duplicateItem" doc:"Give every item several times, for testing." expr:"no"`
	DuplicateCount     int         `json:"duplicateCount" doc:"How many copies beside the item itself." default:"0" show:"duplicateItem=true"`
	JSONOutput         Value       `json:"jsonOutput" doc:"JSON text of the object; expressions may stand in it." show:"mode=raw" hint:"json" example:"={ \"id\": {{ $json.id }} }"`
	Fields             setFields   `json:"fields" doc:"The fields to set." show:"mode=manual&@version<3.3"`
	Assignments        setAssigned `json:"assignments" doc:"The fields to set." show:"mode=manual&@version>=3.3"`
	IncludeOtherFields bool        `json:"includeOtherFields" doc:"Keep fields of the input beside those that are set." show:"@version>=3.3"`
	Include            string      `json:"include" doc:"Which fields of the input to keep." default:"all" enum:"all,none,selected,except"`
	IncludeFields      FieldList   `json:"includeFields" doc:"Fields to keep, with commas between." show:"include=selected"`
	ExcludeFields      FieldList   `json:"excludeFields" doc:"Fields to drop, with commas between." show:"include=except"`
	Options            setOptions  `json:"options"`
}

type setFields struct {
	Values []setField `json:"values" doc:"The fields."`
}

// setField is a field of versions 3.0 to 3.2: the value's name says its type.
type setField struct {
	Name         string `json:"name" doc:"Name or path of the field."`
	Type         string `json:"type" doc:"Which of the values counts." default:"stringValue" enum:"stringValue,numberValue,booleanValue,arrayValue,objectValue" expr:"no"`
	StringValue  Value  `json:"stringValue"`
	NumberValue  Value  `json:"numberValue"`
	BooleanValue Value  `json:"booleanValue"`
	ArrayValue   Value  `json:"arrayValue"`
	ObjectValue  Value  `json:"objectValue"`
}

type setAssigned struct {
	Assignments []setAssignment `json:"assignments" doc:"The fields, in order."`
}

type setAssignment struct {
	ID    string `json:"id" doc:"Any text that is unique in the list." expr:"no"`
	Name  string `json:"name" doc:"Name of the field, or a path such as address.city." required:"true"`
	Value Value  `json:"value" doc:"The value, usually an expression."`
	Type  string `json:"type" doc:"Type the value is converted to." default:"string" enum:"string,number,boolean,array,object,binary" expr:"no"`
}

type setOptions struct {
	DotNotation            bool  `json:"dotNotation" doc:"Read dots in names as paths." default:"true"`
	IgnoreConversionErrors bool  `json:"ignoreConversionErrors" doc:"Keep values that cannot be converted as they are."`
	IncludeBinary          bool  `json:"includeBinary" doc:"Keep the item's files (before version 3.4)." default:"true"`
	StripBinary            *bool `json:"stripBinary" doc:"Drop the item's files (from version 3.4)."`
}

// setType makes or changes fields of items.
func setType() *Type {
	const name = "n8n-nodes-base.set"
	return &Type{
		Name: name, DisplayName: "Edit Fields (Set)", Category: workflow.CategoryAction,
		Description: "Sets fields of each item, by assignments or as one JSON object. Other fields are dropped unless includeOtherFields is on.",
		Versions:    []float64{1, 2, 3, 3.1, 3.2, 3.3, 3.4},
		Params:      setParams{}, OldParams: []VersionedParams{{3, setParams1{}}},
		Examples: []workflow.NodeExample{
			example("Set fields", name, 3.4, `{"assignments":{"assignments":[{"id":"a1","name":"total","value":"={{ $json.price * $json.count }}","type":"number"}]},"includeOtherFields":true,"options":{}}`),
			example("Set JSON", name, 3.4, `{"mode":"raw","jsonOutput":"={ \"id\": {{ $json.id }}, \"ok\": true }","options":{}}`),
		},
		Run: runSet,
	}
}

func runSet(ctx context.Context, c *Call) (Output, error) {
	one := setItem
	if c.Node.TypeVersion < 3 {
		one = setItem1
	}
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) { return one(ctx, c, i, in) })
	return Items(items), err
}

func setItem(ctx context.Context, c *Call, i int, in workflow.Item) ([]workflow.Item, error) {
	p, err := Bind[setParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	out := workflow.Item{JSON: p.base(c.Node.TypeVersion, in.JSON)}
	if p.keepsBinary(c.Node.TypeVersion) {
		out.Binary = in.Binary
	}
	if p.Mode == "raw" {
		err = p.setRaw(ctx, out.JSON, i)
	} else {
		err = p.setManual(ctx, c.Node.TypeVersion, out.JSON, i)
	}
	if err != nil {
		return nil, err
	}
	items := []workflow.Item{out}
	if p.DuplicateItem {
		for range min(max(p.DuplicateCount, 0), maxDuplicates) {
			items = append(items, out)
		}
	}
	return items, nil
}

const maxDuplicates = 10_000

// base is what the output begins with: the fields of the input that are kept.
func (p *setParams) base(version float64, in *workflow.Object) *workflow.Object {
	include, dots := p.Include, p.Options.DotNotation
	if version >= 3.3 && !p.IncludeOtherFields {
		include = "none"
	}
	switch include {
	case "none":
		return &workflow.Object{}
	case "selected":
		out := &workflow.Object{}
		for _, name := range p.IncludeFields {
			if v, ok := lookup(in, name, dots); ok {
				assign(out, name, v, dots)
			}
		}
		return out
	case "except":
		out := in.Copy()
		for _, name := range p.ExcludeFields {
			remove(out, name, dots)
		}
		return out
	}
	return in.Copy()
}

func (p *setParams) keepsBinary(version float64) bool {
	if version >= 3.4 {
		return p.IncludeOtherFields && (p.Options.StripBinary == nil || !*p.Options.StripBinary)
	}
	return p.Options.IncludeBinary
}

func (p *setParams) setManual(ctx context.Context, version float64, out *workflow.Object, i int) error {
	for _, a := range p.Assignments.Assignments {
		if err := p.setOne(ctx, out, a.Name, a.Type, a.Value, i); err != nil {
			return err
		}
	}
	for _, f := range p.Fields.Values {
		value, kind := f.typed()
		if err := p.setOne(ctx, out, f.Name, kind, value, i); err != nil {
			return err
		}
	}
	return nil
}

func (f *setField) typed() (Value, string) {
	switch f.Type {
	case "numberValue":
		return f.NumberValue, "number"
	case "booleanValue":
		return f.BooleanValue, "boolean"
	case "arrayValue":
		return f.ArrayValue, "array"
	case "objectValue":
		return f.ObjectValue, "object"
	}
	return f.StringValue, "string"
}

func (p *setParams) setOne(ctx context.Context, out *workflow.Object, name, kind string, value Value, i int) error {
	v, err := value.Resolve(ctx, i, nil)
	if err != nil {
		return err
	}
	switch special := v.(type) {
	case opaqueValue:
		if kind == "string" {
			v = jsonText(special.JSONValue())
		}
	case symbolValue:
		if kind != "string" && p.Options.IgnoreConversionErrors {
			return nil // it stays a symbol, which no item can hold
		}
		v = special.SymbolText()
	}
	v = plain(v)
	typed, ok := convertField(v, kind)
	if !ok {
		if !p.Options.IgnoreConversionErrors {
			f := Fail("Field %q is to be of type %s, but its value is %s.", name, kind, describe(v))
			f.Description = "Correct the value, choose another type, or switch on the option ignoreConversionErrors."
			return f
		}
		typed = v
	}
	assign(out, name, typed, p.Options.DotNotation)
	return nil
}
