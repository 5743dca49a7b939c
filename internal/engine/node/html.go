package node

import (
	"context"
	"strings"
	"unicode"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"

	"flowgate/internal/workflow"
)

type htmlParams struct {
	Operation        string         `json:"operation" doc:"What to do." default:"generateHtmlTemplate" enum:"generateHtmlTemplate,extractHtmlContent,convertToHtmlTable" expr:"no"`
	HTML             Value          `json:"html" doc:"The HTML; {{ }} in it are expressions." hint:"html" show:"operation=generateHtmlTemplate"`
	SourceData       string         `json:"sourceData" doc:"Where the HTML is: in a field or in a file." default:"json" enum:"json,binary" show:"operation=extractHtmlContent"`
	DataPropertyName string         `json:"dataPropertyName" doc:"Name of the field or file with the HTML." default:"data" show:"operation=extractHtmlContent"`
	ExtractionValues htmlExtraction `json:"extractionValues" doc:"What to take out of the HTML." show:"operation=extractHtmlContent"`
	Options          htmlOptions    `json:"options"`
}

type htmlExtraction struct {
	Values []htmlValue `json:"values" doc:"One output field each."`
}

type htmlValue struct {
	Key           string `json:"key" doc:"Name of the output field." required:"true"`
	CSSSelector   string `json:"cssSelector" doc:"CSS selector of the elements." required:"true" example:"div.price"`
	ReturnValue   string `json:"returnValue" doc:"What of them to take." default:"text" enum:"text,html,attribute,value"`
	Attribute     string `json:"attribute" doc:"Name of the attribute." show:"returnValue=attribute"`
	SkipSelectors string `json:"skipSelectors" doc:"Elements to leave out, with commas between." show:"returnValue=text"`
	ReturnArray   bool   `json:"returnArray" doc:"Give all matches as a list instead of the first."`
}

type htmlOptions struct {
	TrimValues  bool   `json:"trimValues" doc:"Drop spaces at both ends of values." default:"true"`
	CleanUpText bool   `json:"cleanUpText" doc:"Make one space of several spaces and line breaks." default:"true"`
	Caption     string `json:"caption" doc:"Caption of the table."`
	Capitalize  bool   `json:"capitalize" doc:"Write headings as words with capitals."`

	TableAttributes string `json:"tableAttributes" doc:"Attributes of the table element."`
	HeaderAttrs     string `json:"headerAttributes" doc:"Attributes of th elements."`
	RowAttributes   string `json:"rowAttributes" doc:"Attributes of tr elements."`
	CellAttributes  string `json:"cellAttributes" doc:"Attributes of td elements."`
}

// htmlType makes HTML and takes values out of it.
func htmlType() *Type {
	const name = "n8n-nodes-base.html"
	return &Type{
		Name: name, DisplayName: "HTML", Category: workflow.CategoryAction,
		Description: "Makes HTML from a template, takes values out of HTML by CSS selectors, or writes items as an HTML table.",
		Versions:    []float64{1, 1.1, 1.2}, Params: htmlParams{},
		Examples: []workflow.NodeExample{
			example("Title and links", name, 1.2, `{"operation":"extractHtmlContent","dataPropertyName":"data","extractionValues":{"values":[{"key":"title","cssSelector":"h1"},{"key":"links","cssSelector":"a","returnValue":"attribute","attribute":"href","returnArray":true}]},"options":{}}`),
			example("Page", name, 1.2, `{"html":"<p>{{ $json.name }}</p>"}`),
		},
		Run: runHTML,
	}
}

func runHTML(ctx context.Context, c *Call) (Output, error) {
	if textOf(c.Node.Parameters.Value("operation")) == "convertToHtmlTable" {
		return htmlTable(ctx, c)
	}
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[htmlParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		if p.Operation == "extractHtmlContent" {
			return p.extract(in)
		}
		text, err := template(ctx, c, p.HTML, i)
		if err != nil {
			return nil, err
		}
		return []workflow.Item{{JSON: workflow.NewObject("html", text)}}, nil
	})
	return Items(items), err
}

// template resolves a text whose {{ }} are expressions even without a leading
// "=".
func template(ctx context.Context, c *Call, v Value, i int) (string, error) {
	raw, ok := v.Raw().(string)
	if !ok || isExpression(raw) || !strings.Contains(raw, "{{") {
		return v.Text(ctx, i)
	}
	return Value{raw: "=" + raw, call: c, path: v.Path()}.Text(ctx, i)
}

func (p *htmlParams) extract(in workflow.Item) ([]workflow.Item, error) {
	sources, err := p.sources(in)
	if err != nil {
		return nil, err
	}
	var out []workflow.Item
	for _, source := range sources {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(source))
		if err != nil {
			return nil, Fail("The HTML cannot be read: %v.", err)
		}
		o := &workflow.Object{}
		for _, v := range p.ExtractionValues.Values {
			result, err := v.take(doc, p.Options)
			if err != nil {
				return nil, err
			}
			o.Set(v.Key, result)
		}
		out = append(out, workflow.Item{JSON: o})
	}
	return out, nil
}

func (p *htmlParams) sources(in workflow.Item) ([]string, error) {
	if p.SourceData == "binary" {
		data, err := fileContent(in, p.DataPropertyName)
		return []string{string(data)}, err
	}
	v, ok := lookup(in.JSON, p.DataPropertyName, true)
	if !ok || v == nil {
		return nil, Fail("The item has no field %q with HTML; set dataPropertyName.", p.DataPropertyName)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = textOf(e)
	}
	return out, nil
}

// take returns what a selector finds: the first match, or all as a list.
func (v *htmlValue) take(doc *goquery.Document, o htmlOptions) (any, error) {
	matcher, err := cascadia.Compile(v.CSSSelector)
	if err != nil {
		return nil, Fail("%q of %q is no CSS selector: %v.", clip(v.CSSSelector, 80), v.Key, err)
	}
	found := doc.FindMatcher(matcher)
	if v.ReturnArray {
		list := []any{}
		for _, n := range found.Nodes {
			list = append(list, v.value(goquery.NewDocumentFromNode(n).Selection, o))
		}
		return list, nil
	}
	if found.Length() == 0 {
		if v.ReturnValue == "text" {
			return "", nil
		}
		return nil, nil
	}
	return v.value(found.First(), o), nil
}

func (v *htmlValue) value(s *goquery.Selection, o htmlOptions) any {
	var text string
	switch v.ReturnValue {
	case "html":
		text, _ = s.Html()
	case "attribute":
		attr, ok := s.Attr(v.Attribute)
		if !ok {
			return nil
		}
		text = attr
	case "value":
		text = fieldValue(s)
	default:
		text = htmlText(s, v.SkipSelectors)
	}
	if o.TrimValues {
		text = strings.TrimSpace(text)
	}
	if o.CleanUpText && v.ReturnValue != "html" {
		text = strings.Join(strings.FieldsFunc(text, unicode.IsSpace), " ")
	}
	return text
}

func fieldValue(s *goquery.Selection) string {
	switch goquery.NodeName(s) {
	case "select":
		if chosen := s.Find("option[selected]"); chosen.Length() > 0 {
			s = chosen.First()
		} else {
			s = s.Find("option").First()
		}
	case "textarea":
		return s.Text()
	}
	return s.AttrOr("value", "")
}

// htmlText is the text of an element without what skip selects.
func htmlText(s *goquery.Selection, skip string) string {
	if skip = strings.TrimSpace(skip); skip == "" {
		return s.Text()
	}
	clone := s.Clone()
	if matcher, err := cascadia.Compile(skip); err == nil {
		clone.FindMatcher(matcher).Remove()
	}
	return clone.Text()
}
