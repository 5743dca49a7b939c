package node

import (
	"strings"

	"github.com/PuerkitoBio/goquery"

	"flowgate/internal/workflow"
)

// json keeps the data field and the chosen fields of an answer.
func (o *HTTPOptimize) json(v any) any {
	if o.ResponseType != "json" {
		return v
	}
	if root, ok := v.(*workflow.Object); ok && o.DataField != "" {
		if data, ok := lookup(root, o.DataField, true); ok {
			v = data
		}
	}
	if o.FieldsToKeep == "all" || o.FieldsToKeep == "" || len(o.Fields) == 0 {
		return v
	}
	list, ok := v.([]any)
	if !ok {
		return o.fieldsOf(v)
	}
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = o.fieldsOf(e)
	}
	return out
}

func (o *HTTPOptimize) fieldsOf(v any) any {
	from, ok := v.(*workflow.Object)
	if !ok {
		return v
	}
	if o.FieldsToKeep == "except" {
		out := from.Clone()
		for _, f := range o.Fields {
			remove(out, f, true)
		}
		return out
	}
	out := &workflow.Object{}
	for _, f := range o.Fields {
		if e, ok := lookup(from, f, true); ok {
			assign(out, f, e, true)
		}
	}
	return out
}

// text keeps the chosen element of a page, or the first characters of a text.
func (o *HTTPOptimize) text(s string) string {
	if o.ResponseType == "html" {
		s = o.html(s)
	}
	if r := []rune(s); o.Truncate && o.MaxLength > 0 && len(r) > o.MaxLength {
		s = string(r[:o.MaxLength])
	}
	return s
}

func (o *HTTPOptimize) html(s string) string {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(s))
	if err != nil {
		return s
	}
	selector := o.CSSSelector
	if selector == "" {
		selector = "body"
	}
	part := doc.Find(selector)
	part.Find("script, style, noscript").Remove()
	if o.ElementsToOmit != "" {
		part.Find(o.ElementsToOmit).Remove()
	}
	var out []string
	part.Each(func(_ int, e *goquery.Selection) {
		text := e.Text()
		if !o.OnlyContent {
			text, _ = e.Html()
		}
		out = append(out, strings.Join(strings.Fields(text), " "))
	})
	return strings.Join(out, "\n")
}
