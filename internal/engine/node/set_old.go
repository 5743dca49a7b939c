package node

import (
	"context"

	"flowgate/internal/workflow"
)

// setParams1 are the parameters of versions 1 and 2.
type setParams1 struct {
	KeepOnlySet bool       `json:"keepOnlySet" doc:"Drop the fields of the input that are not set here."`
	Values      setValues1 `json:"values" doc:"The fields to set, by type."`
	Options     struct {
		DotNotation bool `json:"dotNotation" doc:"Read dots in names as paths." default:"true"`
	} `json:"options"`
}

type setValues1 struct {
	Boolean []setValue1 `json:"boolean"`
	Number  []setValue1 `json:"number"`
	String  []setValue1 `json:"string"`
}

type setValue1 struct {
	Name  string `json:"name" doc:"Name or path of the field."`
	Value any    `json:"value" doc:"The value; it keeps the type it has."`
}

func setItem1(ctx context.Context, c *Call, i int, in workflow.Item) ([]workflow.Item, error) {
	p, err := Bind[setParams1](ctx, c, i)
	if err != nil {
		return nil, err
	}
	out := workflow.Item{JSON: &workflow.Object{}, Binary: in.Binary}
	if !p.KeepOnlySet {
		out.JSON = in.JSON.Copy()
	}
	for _, group := range [][]setValue1{p.Values.Boolean, p.Values.Number, p.Values.String} {
		for _, v := range group {
			assign(out.JSON, v.Name, v.Value, p.Options.DotNotation)
		}
	}
	return []workflow.Item{out}, nil
}
