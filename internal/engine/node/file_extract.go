package node

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"

	"flowgate/internal/workflow"
)

const extractFromFileName = "n8n-nodes-base.extractFromFile"

type extractParams struct {
	Operation   string         `json:"operation" default:"csv" enum:"csv,html,fromIcs,fromJson,ods,pdf,rtf,text,xls,xlsx,xml,binaryToPropery" doc:"What the file is, or binaryToPropery for its base64 text. ods, pdf, rtf and xls are not supported."`
	BinaryField string         `json:"binaryPropertyName" default:"data" doc:"Name of the item's file."`
	Destination string         `json:"destinationKey" default:"data" show:"operation=fromJson|text|xml|fromIcs|binaryToPropery|pdf" doc:"Path of the field that gets the content."`
	Options     extractOptions `json:"options" doc:"Further settings."`
}

type extractOptions struct {
	Header     *bool  `json:"headerRow" doc:"The first line names the columns; it does unless this is false."`
	Delimiter  string `json:"delimiter" default:"," doc:"Between the fields of csv."`
	Empty      bool   `json:"includeEmptyCells" doc:"Give empty cells as empty text rather than leaving them out."`
	FromLine   int    `json:"fromLine" doc:"First line to read (csv), counted from 1."`
	MaxRows    *int   `json:"maxRowCount" doc:"Most rows to read; -1, as without it, for all."`
	Range      string `json:"range" doc:"Part of the sheet, such as A2:C10 (xlsx)."`
	SheetName  string `json:"sheetName" doc:"Sheet to read; the first where it is empty (xlsx)."`
	AsString   bool   `json:"readAsString" doc:"Accepted."`
	RawData    bool   `json:"rawData" doc:"Accepted; values are given as they are stored."`
	Quotes     bool   `json:"relaxQuotes" doc:"Take quotes inside fields as they are (csv)."`
	Encoding   string `json:"encoding" default:"utf8" doc:"Character set of text: utf8 or latin1."`
	StripBOM   *bool  `json:"stripBOM" doc:"Drop a byte order mark; it is dropped unless this is false."`
	Password   string `json:"password" doc:"Password of the file."`
	KeepSource string `json:"keepSource" doc:"Keep the item's json, its binary, or both."`
	EnableBOM  bool   `json:"enableBOM" doc:"Accepted; a byte order mark is always seen."`
}

// extractFromFile reads files into items.
func extractFromFile() *Type {
	return &Type{
		Name: extractFromFileName, DisplayName: "Extract from File", Category: workflow.CategoryAction,
		Description: "Reads a file of each item: tables (csv, xlsx, html) become one item per row; JSON, text, XML and calendars go into a field.",
		Versions:    []float64{1, 1.1}, Params: extractParams{},
		Examples: []workflow.NodeExample{
			example("Read a table", extractFromFileName, 1, `{"operation":"csv","options":{}}`),
			example("Read JSON", extractFromFileName, 1, `{"operation":"fromJson","destinationKey":"content","options":{}}`),
			example("Base64 of a file", extractFromFileName, 1, `{"operation":"binaryToPropery","destinationKey":"base64","options":{}}`),
		},
		Check: checkExtract,
		Run:   runExtract,
	}
}

func checkExtract(n *workflow.Node) []workflow.Finding {
	switch op, _ := n.Parameters.Value("operation").(string); op {
	case "ods", "pdf", "rtf", "xls":
		return []workflow.Finding{{
			Code: "unsupported_operation", Node: n.Name, Path: "parameters.operation",
			Message: "Files of the kind " + op + " cannot be read.", Hint: "Save tables as xlsx or csv; let a service turn documents into text.",
		}}
	}
	return nil
}

func runExtract(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[extractParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		_, data, err := itemFile(in, p.BinaryField, "binaryPropertyName")
		if err != nil {
			return nil, err
		}
		switch p.Operation {
		case "csv", "html", "xlsx":
			return p.rows(data, in)
		}
		return p.whole(data, in)
	})
	return Items(items), err
}

// rows reads a table: one item per row.
func (p *extractParams) rows(data []byte, in workflow.Item) ([]workflow.Item, error) {
	var lines [][]any
	var err error
	o := p.Options
	switch p.Operation {
	case "csv":
		lines, err = readCSV(p.text(data), orText(o.Delimiter, ","), o.Quotes)
	case "html":
		lines, err = readHTMLTable(p.text(data))
	default:
		lines, err = readXLSX(data, o.SheetName, o.Range, o.Password)
	}
	if err != nil {
		return nil, err
	}
	if o.FromLine > 1 {
		lines = lines[min(o.FromLine-1, len(lines)):]
	}
	objects := rowsToItems(lines, o.Header == nil || *o.Header, o.Empty)
	if most := o.MaxRows; most != nil && *most >= 0 && len(objects) > *most {
		objects = objects[:*most]
	}
	out := make([]workflow.Item, len(objects))
	for i, obj := range objects {
		out[i].JSON = obj
		if o.KeepSource == "binary" || o.KeepSource == "both" {
			out[i].Binary = in.Binary
		}
	}
	return out, nil
}

// whole reads a file into a field.
func (p *extractParams) whole(data []byte, in workflow.Item) ([]workflow.Item, error) {
	var v any
	switch p.Operation {
	case "fromJson":
		var err error
		if v, err = workflow.DecodeJSON(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))); err != nil {
			return nil, Fail("The file %q is not valid JSON: %s.", p.BinaryField, err)
		}
	case "text", "xml":
		v = p.text(data)
	case "fromIcs":
		var err error
		if v, err = readICS(p.text(data)); err != nil {
			return nil, err
		}
	case "binaryToPropery":
		v = base64.StdEncoding.EncodeToString(data)
	default:
		return nil, Fail("Files of the kind %s cannot be read. Save tables as xlsx or csv; let a service turn documents into text.", p.Operation)
	}
	item := workflow.Item{JSON: &workflow.Object{}}
	keep := p.Options.KeepSource
	if keep == "json" || keep == "both" {
		item.JSON = in.JSON.Copy()
	}
	if keep == "binary" || keep == "both" {
		item.Binary = in.Binary
	}
	assign(item.JSON, p.Destination, v, true)
	return []workflow.Item{item}, nil
}

// text is the file as text.
func (p *extractParams) text(data []byte) string {
	if strip := p.Options.StripBOM; strip == nil || *strip {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	}
	switch strings.ToLower(p.Options.Encoding) {
	case "latin1", "iso-8859-1", "binary", "windows-1252", "ascii":
		return textFrom(data, "text/plain; charset=latin1")
	}
	return textFrom(data, "")
}
