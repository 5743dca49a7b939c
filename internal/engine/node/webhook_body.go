package node

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"flowgate/internal/workflow"
)

// requestBody reads a call's body by its content type.
type requestBody struct {
	webhook *Webhook
	call    workflow.WebhookCall
	kind    string // MIME type without parameters, in lower case
	value   any
	files   map[string]*workflow.Binary
}

const (
	maxParts     = 1000
	maxPartNames = 256 // bytes of a field's name
)

func contentKind(call workflow.WebhookCall) string {
	text := callHeader(call, "content-type")
	kind, _, err := mime.ParseMediaType(text)
	if err != nil {
		kind, _, _ = strings.Cut(text, ";")
	}
	return strings.ToLower(strings.TrimSpace(kind))
}

func (b *requestBody) read() *workflow.Response {
	o := b.webhook.Params.Options
	body := b.call.Body
	switch {
	case b.kind == "multipart/form-data":
		return b.multipart()
	case o.BinaryData:
		if len(body) > 0 {
			b.keep(fileKey(o.BinaryProperty, "data"), body)
		}
		return nil
	}
	if o.RawBody {
		b.files["data"] = newBinary(body, orText(b.kind, "application/json"), "")
	}
	if len(body) == 0 {
		return nil
	}
	return b.parse(body, o)
}

func (b *requestBody) parse(body []byte, o WebhookOptions) *workflow.Response {
	switch kind := b.kind; {
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		v, err := workflow.DecodeJSON(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
		if err != nil {
			return unreadable(http.StatusUnprocessableEntity, "The body is not valid JSON: "+err.Error()+".")
		}
		b.value = v
	case kind == "application/x-www-form-urlencoded":
		b.value = flatForm(string(body))
	case strings.HasSuffix(kind, "/xml") || strings.HasSuffix(kind, "+xml"):
		o := xmlNodeOptions{AttrKey: "$", CharKey: "_", ExplicitRoot: true, Normalize: true, NormalizeTags: true, Trim: true}
		v, err := o.read(textFrom(body, callHeader(b.call, "content-type")))
		if err != nil {
			return unreadable(http.StatusUnprocessableEntity, "The body is not valid XML: "+err.Error()+".")
		}
		b.value = v
	case kind == "text/plain":
		b.value = textFrom(body, callHeader(b.call, "content-type"))
	case b.webhook.Node.TypeVersion > 1 && !o.RawBody:
		b.keep(fileKey(o.BinaryProperty, "data"), body)
	}
	return nil
}

// keep takes the body as a file.
func (b *requestBody) keep(name string, body []byte) {
	file := ""
	if _, p, err := mime.ParseMediaType(callHeader(b.call, "content-disposition")); err == nil {
		file = p["filename"]
	}
	b.files[name] = newBinary(body, orText(b.kind, mimeOctetStream), file)
}

// multipart reads the fields into the body and the files beside it.
func (b *requestBody) multipart() *workflow.Response {
	_, p, err := mime.ParseMediaType(callHeader(b.call, "content-type"))
	if err != nil || p["boundary"] == "" {
		return unreadable(http.StatusBadRequest, "The multipart body has no boundary in its content type.")
	}
	r := multipart.NewReader(bytes.NewReader(b.call.Body), p["boundary"])
	fields := &workflow.Object{}
	b.value = fields
	type upload struct {
		key  string
		file *workflow.Binary
	}
	var uploads []upload
	seen := map[string]int{}
	for n := 0; ; n++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || n == maxParts || len(part.FormName()) > maxPartNames {
			return unreadable(http.StatusBadRequest, "The multipart body cannot be read, or has too many parts.")
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return unreadable(http.StatusBadRequest, "The multipart body ends too early.")
		}
		name := part.FormName()
		if part.FileName() == "" {
			nest(fields, []string{name}, textFrom(data, ""))
			continue
		}
		key := strings.TrimSuffix(name, "[]")
		seen[key]++
		uploads = append(uploads, upload{key, newBinary(data, part.Header.Get("Content-Type"), part.FileName())})
	}
	prefix := b.webhook.Params.Options.BinaryProperty
	for i, u := range uploads {
		key := u.key
		if prefix != "" {
			key = prefix + strconv.Itoa(i)
		} else if seen[u.key] > 1 {
			key += strconv.Itoa(i)
		}
		b.files[key] = u.file
	}
	return nil
}

func unreadable(status int, hint string) *workflow.Response {
	return jsonResponse(status, workflow.NewObject("code", float64(status), "message", "The request body cannot be read", "hint", hint))
}

func fileKey(name, or string) string { return orText(strings.TrimSpace(name), or) }

func orText(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// textFrom reads text that says it is Latin-1, and takes any other as UTF-8.
func textFrom(data []byte, contentType string) string {
	_, p, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(p["charset"]) {
	case "iso-8859-1", "latin1", "windows-1252":
		r := make([]rune, len(data))
		for i, c := range data {
			r[i] = rune(c)
		}
		return string(r)
	}
	if !utf8.Valid(data) {
		return strings.ToValidUTF8(string(data), "\ufffd")
	}
	return string(data)
}
