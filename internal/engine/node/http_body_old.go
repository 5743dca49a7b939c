package node

import (
	"strings"

	"flowgate/internal/workflow"
)

// planOldBody reads the body of a node of version 1 or 2; nil where there is
// nothing to send.
func planOldBody(p *HTTPParamsOld, in workflow.Item) (*httpBody, error) {
	b := &httpBody{kind: p.Options.BodyContentType}
	if b.kind == "" {
		b.kind = "json"
	}
	switch {
	case p.SendBinary && b.kind == "multipart-form-data":
		return b, b.addOldFiles(p, in)
	case p.SendBinary:
		return fileBody(p.BinaryProperty, "binaryPropertyName", in)
	case p.JSONParameters:
		return oldJSONBody(p, b)
	}
	fields := lastFieldWins(p.BodyUI.Fields)
	if len(fields) == 0 {
		return nil, nil
	}
	b.fields, b.value = fields, fieldsObject(fields)
	for _, f := range fields {
		b.parts = append(b.parts, httpPart{name: f.Name, value: f.Value})
	}
	if b.kind == "raw" {
		b.kind = "json"
	}
	return b, nil
}

func oldJSONBody(p *HTTPParamsOld, b *httpBody) (*httpBody, error) {
	if p.BodyJSON == nil || p.BodyJSON == "" {
		return nil, nil
	}
	switch b.kind {
	case "raw":
		b.data, b.mime = []byte(textOf(p.BodyJSON)), p.Options.CustomMimeType
		return b, nil
	case "json":
		return b, b.setJSON(p.BodyJSON, "bodyParametersJson")
	}
	fields, err := httpFieldsOf(p.BodyJSON, "bodyParametersJson")
	b.fields = fields
	for _, f := range fields {
		b.parts = append(b.parts, httpPart{name: f.Name, value: f.Value})
	}
	return b, err
}

// addOldFiles adds the files that binaryPropertyName lists: "data", or
// "field:data,other:data2".
func (b *httpBody) addOldFiles(p *HTTPParamsOld, in workflow.Item) error {
	fields, err := httpFieldsOf(p.BodyJSON, "bodyParametersJson")
	if err != nil {
		return err
	}
	for _, f := range fields {
		b.parts = append(b.parts, httpPart{name: f.Name, value: f.Value})
	}
	for _, entry := range strings.Split(p.BinaryProperty, ",") {
		field, name, named := strings.Cut(strings.TrimSpace(entry), ":")
		if !named {
			name = field
		}
		file, data, err := itemFile(in, name, "binaryPropertyName")
		if err != nil {
			return err
		}
		b.parts = append(b.parts, httpPart{name: field, file: file, data: data})
	}
	return nil
}
