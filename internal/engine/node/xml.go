package node

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"flowgate/internal/workflow"
)

type xmlParams struct {
	Mode             string         `json:"mode" doc:"Which way to convert." default:"xmlToJson" enum:"xmlToJson,jsonToxml" expr:"no"`
	DataPropertyName string         `json:"dataPropertyName" doc:"Field that holds the XML, or gets it." default:"data"`
	Options          xmlNodeOptions `json:"options"`
}

type xmlNodeOptions struct {
	AttrKey             string `json:"attrkey" doc:"Key that holds attributes." default:"$"`
	CharKey             string `json:"charkey" doc:"Key that holds text beside attributes." default:"_"`
	MergeAttrs          bool   `json:"mergeAttrs" doc:"Put attributes among the children." default:"true"`
	ExplicitRoot        bool   `json:"explicitRoot" doc:"Keep the root element as a key." default:"true"`
	ExplicitArray       bool   `json:"explicitArray" doc:"Make lists even of single children."`
	IgnoreAttrs         bool   `json:"ignoreAttrs" doc:"Leave attributes out."`
	Normalize           bool   `json:"normalize" doc:"Make one space of several in texts."`
	NormalizeTags       bool   `json:"normalizeTags" doc:"Write tags in lower case."`
	Trim                bool   `json:"trim" doc:"Drop spaces at both ends of texts."`
	RootName            string `json:"rootName" doc:"Root element when there is none." default:"root"`
	Headless            bool   `json:"headless" doc:"Leave out the XML declaration."`
	Cdata               bool   `json:"cdata" doc:"Wrap texts in CDATA where they need escaping."`
	AllowSurrogateChars bool   `json:"allowSurrogateChars" expr:"no"`
}

// xmlType converts between XML and JSON.
func xmlType() *Type {
	const name = "n8n-nodes-base.xml"
	return &Type{
		Name: name, DisplayName: "XML", Category: workflow.CategoryAction,
		Description: "Converts XML in a field to JSON, or the item to XML.",
		Versions:    []float64{1}, Params: xmlParams{},
		Examples: []workflow.NodeExample{example("Read XML", name, 1, `{"dataPropertyName":"data","options":{}}`)},
		Run:      runXML,
	}
}

func runXML(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[xmlParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		if p.Mode == "jsonToxml" {
			return []workflow.Item{{JSON: workflow.NewObject(p.DataPropertyName, p.Options.write(in.JSON))}}, nil
		}
		v, ok := lookup(in.JSON, p.DataPropertyName, true)
		if !ok {
			return nil, Fail("The item has no field %q with XML; set dataPropertyName.", p.DataPropertyName)
		}
		o, err := p.Options.read(textOf(v))
		if err != nil {
			return nil, Fail("Field %q is no valid XML: %v.", p.DataPropertyName, err)
		}
		return []workflow.Item{{JSON: o}}, nil
	})
	return Items(items), err
}

// maxXMLNesting bounds nesting of elements.
const maxXMLNesting = 256

// read turns a document into an object.
func (o *xmlNodeOptions) read(text string) (*workflow.Object, error) {
	dec := xml.NewDecoder(bytes.NewReader([]byte(text)))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // already text
	var out *workflow.Object
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if out != nil {
			return nil, errors.New("there is more than one root element")
		}
		v, err := o.element(dec, start, 0)
		if err != nil {
			return nil, err
		}
		out = workflow.NewObject(o.tag(start.Name), v)
		if inner, ok := v.(*workflow.Object); ok && !o.ExplicitRoot {
			out = inner
		}
	}
	if out == nil {
		return nil, errors.New("there is no element")
	}
	return out, nil
}

func (o *xmlNodeOptions) tag(n xml.Name) string {
	name := n.Local
	if n.Space != "" {
		name = n.Space + ":" + name
	}
	if o.NormalizeTags {
		name = strings.ToLower(name)
	}
	return name
}

func (o *xmlNodeOptions) element(dec *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > maxXMLNesting {
		return nil, errors.New("elements are nested too deep")
	}
	obj := &workflow.Object{}
	o.attributes(obj, start.Attr)
	var text strings.Builder
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("<%s> is not closed", start.Name.Local)
		}
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			v, err := o.element(dec, tok, depth+1)
			if err != nil {
				return nil, err
			}
			o.add(obj, o.tag(tok.Name), v)
		case xml.CharData:
			text.Write(tok)
		case xml.EndElement:
			if tok.Name != start.Name {
				return nil, fmt.Errorf("</%s> closes <%s>", tok.Name.Local, start.Name.Local)
			}
			return o.closed(obj, text.String()), nil
		}
	}
}

func (o *xmlNodeOptions) attributes(obj *workflow.Object, attrs []xml.Attr) {
	if o.IgnoreAttrs || len(attrs) == 0 {
		return
	}
	into := obj
	if !o.MergeAttrs {
		into = &workflow.Object{}
		obj.Set(o.AttrKey, into)
	}
	for _, a := range attrs {
		name := a.Name.Local
		if a.Name.Space != "" {
			name = a.Name.Space + ":" + name
		}
		if o.MergeAttrs {
			o.add(into, name, a.Value)
		} else {
			into.Set(name, a.Value)
		}
	}
}

// add puts a child under its tag; repeated tags make a list.
func (o *xmlNodeOptions) add(obj *workflow.Object, tag string, v any) {
	old, there := obj.Get(tag)
	switch {
	case there:
		if list, ok := old.([]any); ok {
			obj.Set(tag, append(list, v))
		} else {
			obj.Set(tag, []any{old, v})
		}
	case o.ExplicitArray:
		obj.Set(tag, []any{v})
	default:
		obj.Set(tag, v)
	}
}

// closed is the value of an element: its text when that is all there is.
func (o *xmlNodeOptions) closed(obj *workflow.Object, text string) any {
	blank := strings.TrimSpace(text) == ""
	if o.Trim {
		text = strings.TrimSpace(text)
	}
	if o.Normalize {
		text = strings.Join(strings.Fields(text), " ")
	}
	switch {
	case obj.Len() == 0 && blank:
		return ""
	case obj.Len() == 0:
		return text
	case !blank:
		obj.Set(o.CharKey, text)
	}
	return obj
}
