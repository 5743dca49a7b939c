package node

import (
	"encoding/xml"
	"strings"

	"flowgate/internal/workflow"
)

// write turns an object into a document. An object with one key that is no
// list gives the root element; any other is put under RootName.
func (o *xmlNodeOptions) write(obj *workflow.Object) string {
	var b strings.Builder
	if !o.Headless {
		b.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n")
	}
	name, root := o.RootName, any(obj)
	if obj.Len() == 1 {
		if k, v := obj.At(0); !isKind[[]any](v) {
			name, root = k, v
		}
	}
	o.writeElement(&b, name, root, 0)
	return strings.TrimRight(b.String(), "\n")
}

func (o *xmlNodeOptions) writeElement(b *strings.Builder, name string, v any, depth int) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			o.writeElement(b, name, e, depth)
		}
		return
	}
	name = xmlName(name)
	indent := strings.Repeat("  ", depth)
	obj, ok := v.(*workflow.Object)
	if !ok {
		if text := o.escaped(textOf(v)); text != "" {
			b.WriteString(indent + "<" + name + ">" + text + "</" + name + ">\n")
		} else {
			b.WriteString(indent + "<" + name + "/>\n")
		}
		return
	}
	b.WriteString(indent + "<" + name)
	if attrs, ok := obj.Value(o.AttrKey).(*workflow.Object); ok {
		for i := range attrs.Len() {
			k, a := attrs.At(i)
			b.WriteString(" " + xmlName(k) + `="` + xmlEscape(textOf(a)) + `"`)
		}
	}
	o.writeContent(b, obj, name, indent, depth)
}

func (o *xmlNodeOptions) writeContent(b *strings.Builder, obj *workflow.Object, name, indent string, depth int) {
	text := ""
	var inner strings.Builder
	for i := range obj.Len() {
		switch k, e := obj.At(i); k {
		case o.AttrKey:
			if !isKind[*workflow.Object](e) {
				o.writeElement(&inner, k, e, depth+1)
			}
		case o.CharKey:
			text = o.escaped(textOf(e))
		default:
			o.writeElement(&inner, k, e, depth+1)
		}
	}
	switch {
	case inner.Len() == 0 && text == "":
		b.WriteString("/>\n")
	case inner.Len() == 0:
		b.WriteString(">" + text + "</" + name + ">\n")
	default:
		b.WriteString(">" + text + "\n" + inner.String() + indent + "</" + name + ">\n")
	}
}

func (o *xmlNodeOptions) escaped(s string) string {
	if o.Cdata && strings.ContainsAny(s, "<>&") {
		return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>") + "]]>"
	}
	return xmlEscape(s)
}

// xmlEscape escapes what may not stand in texts and attributes.
func xmlEscape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return strings.NewReplacer("&#34;", "&quot;", "&#39;", "'", "&#xA;", "\n", "&#x9;", "\t").Replace(b.String())
}

// xmlName makes a name that XML allows of a key.
func xmlName(s string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.', r == ':', r > 127:
			return r
		}
		return '_'
	}, s)
	if name == "" || strings.ContainsAny(name[:1], "0123456789-.") {
		return "_" + name
	}
	return name
}
