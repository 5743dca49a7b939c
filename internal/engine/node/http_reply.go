package node

import (
	"mime"
	"net/url"
	"path"
	"strings"

	"flowgate/internal/workflow"
)

// items makes items of an answer, or the failure that it is.
func (k *httpCall) items(in workflow.Item, a *httpAnswer) ([]workflow.Item, error) {
	if (a.Status < 200 || a.Status > 299) && !k.neverErr {
		return nil, statusFailure(a)
	}
	switch k.formatFor(a) {
	case "file":
		return []workflow.Item{k.fileItem(in, a)}, nil
	case "text":
		return k.textItems(a)
	}
	body, err := k.jsonBody(a)
	if err != nil {
		return nil, err
	}
	if k.optimize != nil {
		body = k.optimize.json(body)
	}
	if k.full {
		return oneItem(a.full("body", body)), nil
	}
	return splitItems(body), nil
}

// formatFor is how the answer is read: as asked, or by its content type.
func (k *httpCall) formatFor(a *httpAnswer) string {
	if k.format != "autodetect" {
		return k.format
	}
	kind, _, err := mime.ParseMediaType(a.header("content-type"))
	if err != nil {
		kind = strings.ToLower(strings.TrimSpace(a.header("content-type")))
	}
	switch {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return "json"
	case isFileType(kind):
		return "file"
	}
	return "text"
}

// isFileType reports whether content of a MIME type is kept as a file rather
// than shown as text.
func isFileType(kind string) bool {
	main, sub, _ := strings.Cut(kind, "/")
	switch main {
	case "image", "audio", "video", "font":
		return true
	case "application":
		for _, prefix := range []string{"vnd.", "x-bzip", "x-gzip", "x-zip", "x-7z", "x-rar", "x-tar", "x-cdf"} {
			if strings.HasPrefix(sub, prefix) {
				return !strings.HasSuffix(sub, "+xml")
			}
		}
		switch sub {
		case "octet-stream", "pdf", "zip", "gzip", "epub+zip", "msword", "rtf", "wasm", "java-archive", "ogg":
			return true
		}
	}
	return false
}

// full is the answer as an object, its body under key.
func (a *httpAnswer) full(key string, body any) *workflow.Object {
	return workflow.NewObject(key, body, "headers", a.headersObject(), "statusCode", float64(a.Status), "statusMessage", a.Reason)
}

func (k *httpCall) textItems(a *httpAnswer) ([]workflow.Item, error) {
	text := string(a.bytes())
	if k.optimize != nil {
		text = k.optimize.text(text)
	}
	switch {
	case k.full && text == "" && k.format == "autodetect":
		o := a.full(k.property, "")
		o.Delete(k.property)
		return oneItem(o), nil
	case k.full:
		return oneItem(a.full(k.property, text)), nil
	case text == "" && k.format == "autodetect":
		return oneItem(&workflow.Object{}), nil
	}
	return oneItem(workflow.NewObject(k.property, text)), nil
}

func (k *httpCall) jsonBody(a *httpAnswer) (any, error) {
	data := a.bytes()
	if len(strings.TrimSpace(string(data))) == 0 {
		return &workflow.Object{}, nil
	}
	v, err := workflow.DecodeJSON(data)
	switch {
	case err == nil:
		return v, nil
	case k.neverErr:
		return &workflow.Object{}, nil
	}
	f := httpFailure("The answer of "+hostOf(k.url)+" is not valid JSON: "+err.Error()+".", "ERR_BAD_RESPONSE")
	f.Description = "Set the option Response > Response Format to Text to take the answer as it is."
	return nil, f
}

// fileItem keeps the input's json and files and adds the answer as a file.
func (k *httpCall) fileItem(in workflow.Item, a *httpAnswer) workflow.Item {
	item := workflow.Item{JSON: in.JSON, Binary: map[string]*workflow.Binary{}}
	for name, b := range in.Binary {
		item.Binary[name] = b
	}
	if k.full {
		item.JSON = a.full("body", nil)
		item.JSON.Delete("body")
	}
	item.Binary[k.property] = newBinary(a.bytes(), a.header("content-type"), a.fileName(k.url))
	return item
}

// fileName is what the answer calls its file, or the last part of the address.
func (a *httpAnswer) fileName(address string) string {
	if _, params, err := mime.ParseMediaType(a.header("content-disposition")); err == nil && params["filename"] != "" {
		return path.Base(strings.ReplaceAll(params["filename"], "\\", "/"))
	}
	if a.URL != "" {
		address = a.URL
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		return name
	}
	return ""
}

// splitItems makes one item of each element of a list, and one of anything
// else. Values that are not objects go under "data".
func splitItems(v any) []workflow.Item {
	list, ok := v.([]any)
	if !ok {
		return oneItem(asObject(v))
	}
	out := make([]workflow.Item, len(list))
	for i, e := range list {
		out[i].JSON = asObject(e)
	}
	return out
}

func asObject(v any) *workflow.Object {
	switch v := v.(type) {
	case *workflow.Object:
		return v
	case nil:
		return &workflow.Object{}
	}
	return workflow.NewObject("data", v)
}

func oneItem(o *workflow.Object) []workflow.Item { return []workflow.Item{{JSON: o}} }
