package node

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"

	"flowgate/internal/workflow"
)

// httpBody is a body before it is written out. Which fields count depends on
// the kind: json (value), form-urlencoded (fields), multipart-form-data
// (parts), raw (data).
type httpBody struct {
	kind   string
	mime   string // of a raw body
	value  any
	fields []HTTPField
	parts  []httpPart
	data   []byte
}

// httpPart is a field of a multipart body: a value, or a file.
type httpPart struct {
	name  string
	value any
	file  *workflow.Binary
	data  []byte
}

// encode returns the bytes and their content type, "" where it is the
// request's headers that say it.
func (b *httpBody) encode(arrayFormat string) (data []byte, mime string, err error) {
	switch b.kind {
	case "json":
		data, err = workflow.AppendJSON(nil, b.value)
		return data, "application/json", err
	case "form-urlencoded":
		return []byte(encodeFields(b.fields, arrayFormat)), "application/x-www-form-urlencoded", nil
	case "multipart-form-data":
		return encodeMultipart(b.parts)
	}
	return b.data, b.mime, nil
}

// shown is the body as expressions see it.
func (b *httpBody) shown() any {
	switch b.kind {
	case "json":
		return b.value
	case "form-urlencoded":
		return fieldsObject(b.fields)
	case "raw":
		return string(b.data)
	}
	return nil
}

// setHTTPField changes one field, for the next page.
func (b *httpBody) setField(name string, value any) *httpBody {
	out := *b
	switch b.kind {
	case "json":
		o, _ := b.value.(*workflow.Object)
		o = o.Copy()
		o.Set(name, value)
		out.value = o
	case "form-urlencoded":
		out.fields = setHTTPField(append([]HTTPField(nil), b.fields...), name, value, false)
	case "multipart-form-data":
		for i, p := range b.parts {
			if p.name == name {
				out.parts = append([]httpPart(nil), b.parts...)
				out.parts[i].value = value
				return &out
			}
		}
		out.parts = append(append([]httpPart(nil), b.parts...), httpPart{name: name, value: value})
	}
	return &out
}

func encodeMultipart(parts []httpPart) ([]byte, string, error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, p := range parts {
		if p.file == nil {
			if err := w.WriteField(p.name, textOf(p.value)); err != nil {
				return nil, "", err
			}
			continue
		}
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, quoteName(p.name), quoteName(fileNameOr(p.file, "file"))))
		h.Set("Content-Type", mimeOr(p.file, mimeOctetStream))
		dst, err := w.CreatePart(h)
		if err != nil {
			return nil, "", err
		}
		_, _ = dst.Write(p.data) // to a buffer
	}
	err := w.Close()
	return buf.Bytes(), w.FormDataContentType(), err
}

// quoteName makes text safe between quotes of a header, as browsers do.
func quoteName(s string) string {
	return strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(s)
}

// planBody reads the body of a node of version 3 or later.
func planBody(p *HTTPParams, in workflow.Item) (*httpBody, error) {
	b := &httpBody{kind: p.ContentType}
	switch p.ContentType {
	case "json":
		if p.SpecifyBody == "json" {
			return b, b.setJSON(p.JSONBody, "jsonBody")
		}
		var fields []HTTPField
		for _, f := range p.Body.Fields {
			fields = append(fields, HTTPField{Name: f.Name, Value: f.Value})
		}
		b.value = fieldsObject(lastFieldWins(fields))
	case "form-urlencoded":
		if p.SpecifyBody == "string" || p.SpecifyBody == "json" && p.JSONBody == nil && p.RawBody != nil {
			b.fields = lastFieldWins(parseForm(textOf(p.RawBody)))
			return b, nil
		}
		if p.SpecifyBody == "json" {
			var err error
			b.fields, err = httpFieldsOf(p.JSONBody, "jsonBody")
			return b, err
		}
		for _, f := range p.Body.Fields {
			b.fields = append(b.fields, HTTPField{Name: f.Name, Value: f.Value})
		}
		b.fields = lastFieldWins(b.fields)
	case "multipart-form-data":
		return b, b.addParts(p.Body.Fields, in)
	case "raw":
		b.mime, b.data = p.RawContentType, []byte(textOf(p.RawBody))
	default: // binaryData
		return fileBody(p.InputDataField, "inputDataFieldName", in)
	}
	return b, nil
}

// setJSON takes a JSON body from text or from a value.
func (b *httpBody) setJSON(raw any, parameter string) error {
	text, ok := raw.(string)
	if !ok {
		b.value = raw
		return nil
	}
	if strings.TrimSpace(text) == "" {
		b.value = &workflow.Object{}
		return nil
	}
	v, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		f := Fail("Parameter %q is not valid JSON: %s.", parameter, err)
		f.Description = "Quote texts that come from expressions, for instance with {{ JSON.stringify($json.name) }}."
		return f
	}
	b.value = v
	return nil
}

func (b *httpBody) addParts(fields []HTTPBodyField, in workflow.Item) error {
	for _, f := range fields {
		if f.Kind != "formBinaryData" {
			b.parts = append(b.parts, httpPart{name: f.Name, value: f.Value})
			continue
		}
		file, data, err := itemFile(in, f.InputField, "inputDataFieldName")
		if err != nil {
			return err
		}
		b.parts = append(b.parts, httpPart{name: f.Name, file: file, data: data})
	}
	return nil
}

// fileBody is one of the item's files as the whole body.
func fileBody(name, parameter string, in workflow.Item) (*httpBody, error) {
	file, data, err := itemFile(in, name, parameter)
	if err != nil {
		return nil, err
	}
	return &httpBody{kind: "raw", mime: mimeOr(file, mimeOctetStream), data: data}, nil
}
