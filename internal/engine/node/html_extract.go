package node

import (
	"context"

	"flowgate/internal/workflow"
)

type htmlExtractParams struct {
	SourceData       string         `json:"sourceData" doc:"Where the HTML is: in a field or in a file." default:"json" enum:"json,binary"`
	DataPropertyName string         `json:"dataPropertyName" doc:"Name of the field or file with the HTML." default:"data"`
	ExtractionValues htmlExtraction `json:"extractionValues" doc:"What to take out of the HTML."`
	Options          struct {
		TrimValues bool `json:"trimValues" doc:"Drop spaces at both ends of values." default:"true"`
	} `json:"options"`
}

// htmlExtract is the older form of the HTML node's extraction.
func htmlExtract() *Type {
	const name = "n8n-nodes-base.htmlExtract"
	return &Type{
		Name: name, DisplayName: "HTML Extract", Category: workflow.CategoryAction,
		Description: "Older form of the HTML node: takes values out of HTML by CSS selectors.",
		Versions:    []float64{1}, Params: htmlExtractParams{},
		Examples: []workflow.NodeExample{example("Title", name, 1, `{"extractionValues":{"values":[{"key":"title","cssSelector":"h1"}]},"options":{}}`)},
		Run:      runHTMLExtract,
	}
}

func runHTMLExtract(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[htmlExtractParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		h := htmlParams{SourceData: p.SourceData, DataPropertyName: p.DataPropertyName,
			ExtractionValues: p.ExtractionValues, Options: htmlOptions{TrimValues: p.Options.TrimValues}}
		return h.extract(in)
	})
	return Items(items), err
}
