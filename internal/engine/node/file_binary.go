package node

import (
	"encoding/base64"
	"maps"
	"math"
	"mime"
	"path"
	"slices"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

const mimeOctetStream = "application/octet-stream"

// newBinary makes a file of content. An empty mime type is told from the
// name, and an extension from the mime type.
func newBinary(data []byte, mimeType, name string) *workflow.Binary {
	if base, _, err := mime.ParseMediaType(mimeType); err == nil {
		mimeType = base
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if mimeType == "" {
		mimeType = mimeOfExtension(ext)
	}
	if own := extensionOf(mimeType); own != "" {
		ext = own
	}
	return &workflow.Binary{
		Data: base64.StdEncoding.EncodeToString(data), MimeType: mimeType, FileType: fileTypeOf(mimeType),
		FileExtension: ext, FileName: name, FileSize: fileSizeText(len(data)),
	}
}

// itemFile returns the file of that name of an item, and its content.
func itemFile(in workflow.Item, name, parameter string) (*workflow.Binary, []byte, error) {
	if name == "" {
		name = "data"
	}
	b := in.Binary[name]
	if b == nil {
		have := slices.Sorted(maps.Keys(in.Binary))
		f := Fail("The item has no file named %q, which parameter %q asks for.", name, parameter)
		f.Description = "It has no files at all."
		if len(have) > 0 {
			f.Description = "It has: " + strings.Join(have, ", ") + "."
		}
		return nil, nil, f
	}
	data, err := binaryContent(b)
	if err != nil {
		return nil, nil, Fail("The file %q cannot be read: %s.", name, err)
	}
	return b, data, nil
}

// Content returns a file's content. What is kept in the store needs a Source.
func Content(b *workflow.Binary) ([]byte, error) { return binaryContent(b) }

func binaryContent(b *workflow.Binary) ([]byte, error) {
	if b.Data == "" && b.ID != "" {
		if b.Source == nil {
			return nil, Fail("its content is kept in the store, which this run has none of")
		}
		return b.Source.Content(b.ID)
	}
	text := b.Data
	if strings.HasPrefix(text, "data:") { // a data URL in place of bare base64
		if _, after, ok := strings.Cut(text, ","); ok {
			text = after
		}
	}
	return fileBase64(text)
}

// fileBase64 reads standard and URL-safe base64, padded or not, with line
// breaks.
func fileBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "", " ", "", "=", "").Replace(text)
	return base64.RawStdEncoding.DecodeString(text)
}

// fileSizeText writes a size with three digits and decimal units.
func fileSizeText(n int) string {
	units := [...]string{"B", "kB", "MB", "GB", "TB"}
	f, u := float64(n), 0
	for f >= 1000 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	if u > 0 {
		digits := 2 - int(math.Log10(math.Max(f, 1)))
		scale := math.Pow10(max(digits, 0))
		f = math.Round(f*scale) / scale
	}
	return strconv.FormatFloat(f, 'f', -1, 64) + " " + units[u]
}

func fileTypeOf(mimeType string) string {
	switch main, _, _ := strings.Cut(mimeType, "/"); {
	case mimeType == "application/json":
		return "json"
	case mimeType == "text/html":
		return "html"
	case mimeType == "application/pdf":
		return "pdf"
	case main == "image" || main == "video" || main == "audio" || main == "text":
		return main
	}
	return ""
}

// fileExtensions are the ones written for common types; others are looked up in
// the system's table.
var fileExtensions = map[string]string{
	"application/json": "json", "application/pdf": "pdf", "application/xml": "xml", "application/zip": "zip",
	"application/gzip": "gz", "application/rtf": "rtf", "application/x-tar": "tar", "application/javascript": "js",
	"application/vnd.ms-excel": "xls", "application/msword": "doc",
	"application/vnd.oasis.opendocument.spreadsheet":                          "ods",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       "xlsx",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
	"text/plain": "txt", "text/html": "html", "text/csv": "csv", "text/calendar": "ics", "text/xml": "xml",
	"text/markdown": "md", "text/css": "css", "text/rtf": "rtf",
	"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg", "image/bmp": "bmp",
	"audio/mpeg": "mpga", "audio/wav": "wav", "audio/ogg": "oga", "video/mp4": "mp4", "video/webm": "webm",
}

func extensionOf(mimeType string) string { return fileExtensions[mimeType] }

func mimeOfExtension(ext string) string {
	switch ext {
	case "":
		return mimeOctetStream
	case "jpg":
		return "image/jpeg"
	case "mp3":
		return "audio/mpeg"
	case "htm":
		return "text/html"
	case "xml":
		return "text/xml"
	case "rtf":
		return "application/rtf"
	}
	for m, e := range fileExtensions {
		if e == ext {
			return m
		}
	}
	return mimeOctetStream
}

func fileNameOr(b *workflow.Binary, or string) string {
	switch {
	case b.FileName != "":
		return b.FileName
	case b.FileExtension != "":
		return or + "." + b.FileExtension
	}
	return or
}

func mimeOr(b *workflow.Binary, or string) string {
	if b.MimeType != "" {
		return b.MimeType
	}
	return or
}

// firstFile is the name of an item's first file: data where there is one of
// that name, else the first in order of the alphabet.
func firstFile(in workflow.Item) string {
	if names := slices.Sorted(maps.Keys(in.Binary)); in.Binary["data"] == nil && len(names) > 0 {
		return names[0]
	}
	return "data"
}
