package node

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"flowgate/internal/workflow"
)

// xmlOptions say how XML becomes an object.
type xmlOptions struct {
	lowerTags  bool // tag names in lower case
	keepSpaces bool // text is not trimmed
}

// maxXMLDepth bounds nesting of elements.
const maxXMLDepth = 200

// xmlObject reads a document as {root: …}: an element with neither attributes
// nor children is its text, repeated children are a list, attributes are
// under "$" and text beside them under "_". Entities beyond the five of XML
// are refused.
func xmlObject(data []byte, o xmlOptions) (*workflow.Object, error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(in)
		return strings.NewReader(textFrom(b, "text/xml; charset="+label)), err
	}
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no element")
		}
		if err != nil {
			return nil, err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		v, err := o.element(dec, start, 0)
		if err != nil {
			return nil, err
		}
		if err := onlyMisc(dec); err != nil {
			return nil, err
		}
		return workflow.NewObject(o.name(start.Name), v), nil
	}
}

func (o xmlOptions) element(dec *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > maxXMLDepth {
		return nil, errors.New("elements are nested too deep")
	}
	obj := &workflow.Object{}
	if len(start.Attr) > 0 {
		attrs := &workflow.Object{}
		for _, a := range start.Attr {
			attrs.Set(fullName(a.Name), a.Value)
		}
		obj.Set("$", attrs)
	}
	var text strings.Builder
	for {
		tok, err := dec.RawToken()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
		case xml.StartElement:
			v, err := o.element(dec, tok, depth+1)
			if err != nil {
				return nil, err
			}
			addChild(obj, o.name(tok.Name), v)
		case xml.EndElement:
			if tok.Name != start.Name {
				return nil, fmt.Errorf("the element <%s> is closed by </%s>", fullName(start.Name), fullName(tok.Name))
			}
			return o.finished(obj, text.String()), nil
		}
	}
}

func addChild(o *workflow.Object, name string, v any) {
	old, there := o.Get(name)
	switch list, many := old.([]any); {
	case !there:
		o.Set(name, v)
	case many:
		o.Set(name, append(list, v))
	default:
		o.Set(name, []any{old, v})
	}
}

func (o xmlOptions) finished(obj *workflow.Object, text string) any {
	if !o.keepSpaces {
		text = strings.TrimSpace(text)
	}
	blank := strings.TrimSpace(text) == ""
	switch {
	case obj.Len() == 0:
		return text
	case !blank:
		out := workflow.NewObject("_", text)
		for i := range obj.Len() {
			out.Set(obj.At(i))
		}
		return out
	}
	return obj
}

func (o xmlOptions) name(n xml.Name) string {
	if o.lowerTags {
		return strings.ToLower(fullName(n))
	}
	return fullName(n)
}

// fullName is a name with its prefix, as it is written.
func fullName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// onlyMisc reads to the end, where nothing but comments and space may be.
func onlyMisc(dec *xml.Decoder) error {
	for {
		tok, err := dec.RawToken()
		switch tok := tok.(type) {
		case nil:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case xml.CharData:
			if len(bytes.TrimSpace(tok)) > 0 {
				return errors.New("there is text behind the root element")
			}
		case xml.StartElement:
			return errors.New("there are several root elements")
		}
	}
}
