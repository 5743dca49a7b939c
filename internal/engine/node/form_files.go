package node

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"flowgate/internal/workflow"
)

// Kinds of form fields that are not plain values.
const (
	fieldFile = "file"
	fieldHTML = "html"
)

// maxFormFiles bounds the files of one field.
const maxFormFiles = 100

// sentFiles reads the answer to a file field: objects with fileName, mimeType
// and data (base64), one or a list of them.
func sentFiles(field *workflow.Object, v any) (value any, fault string) {
	list := asList(v)
	if field.Value("multiple") != true && len(list) > 1 {
		return nil, "takes one file only"
	}
	if len(list) > maxFormFiles {
		return nil, fmt.Sprintf("takes at most %d files", maxFormFiles)
	}
	accept := textOf(field.Value("accept"))
	for _, one := range list {
		o, _ := one.(*workflow.Object)
		if _, isText := o.Value("data").(string); !isText {
			return nil, `must be a file: {"fileName", "mimeType", "data": base64}`
		}
		name := textOf(o.Value("fileName"))
		if _, err := fileBase64(textOf(o.Value("data"))); err != nil {
			return nil, fmt.Sprintf("the data of %q is not base64", clip(name, 60))
		}
		if !accepted(accept, name, textOf(o.Value("mimeType"))) {
			return nil, fmt.Sprintf("%q is of a kind that is not taken; send %s", clip(name, 60), accept)
		}
	}
	return list, ""
}

// accepted reports whether a file fits a list of endings and MIME types with
// commas. An empty list takes all.
func accepted(list, name, mimeType string) bool {
	if strings.Trim(list, " ,*") == "" {
		return true
	}
	name, mimeType = strings.ToLower(name), strings.ToLower(mimeType)
	for _, kind := range strings.Split(strings.ToLower(list), ",") {
		kind = strings.TrimSpace(kind)
		main, all := strings.CutSuffix(kind, "/*")
		switch {
		case kind == "":
		case all && strings.HasPrefix(mimeType, main+"/"), strings.Contains(kind, "/") && mimeType == kind,
			"."+strings.TrimPrefix(kind, ".") == path.Ext(name), strings.HasPrefix(kind, ".") && strings.HasSuffix(name, kind):
			return true
		}
	}
	return false
}

var notWord = regexp.MustCompile(`\W`)

// formItem is the item of a form's checked answer: what was sent as a file is
// binary data, and its field says name, type and size.
func formItem(fields []any, answer *workflow.Object) workflow.Item {
	item := workflow.Item{JSON: answer}
	for _, f := range fields {
		field, _ := f.(*workflow.Object)
		name := textOf(field.Value("name"))
		list, sent := answer.Value(name).([]any)
		if field.Value("type") != fieldFile || !sent {
			continue
		}
		many := field.Value("multiple") == true
		told := make([]any, 0, len(list))
		for i, one := range list {
			o, _ := one.(*workflow.Object)
			data, _ := fileBase64(textOf(o.Value("data"))) // checked when it was sent
			b := newBinary(data, textOf(o.Value("mimeType")), path.Base(strings.ReplaceAll(textOf(o.Value("fileName")), `\`, "/")))
			key := notWord.ReplaceAllString(name, "_")
			if many {
				key = fmt.Sprintf("%s_%d", key, i)
			}
			if item.Binary == nil {
				item.Binary = map[string]*workflow.Binary{}
			}
			item.Binary[key] = b
			told = append(told, workflow.NewObject("filename", b.FileName, "mimetype", b.MimeType, "size", float64(len(data))))
		}
		answer.Set(name, told)
		if !many && len(told) == 1 {
			answer.Set(name, told[0])
		}
	}
	return item
}
