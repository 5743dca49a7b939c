package node

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"flowgate/internal/workflow"
)

const convertToFileName = "n8n-nodes-base.convertToFile"

type convertParams struct {
	Operation   string         `json:"operation" default:"csv" enum:"csv,html,iCal,toJson,ods,rtf,toText,xls,xlsx,toBinary" doc:"What file is made. ods, rtf and xls are not supported."`
	Mode        string         `json:"mode" default:"once" enum:"once,each" show:"operation=toJson" doc:"One file of all items, or one each."`
	Source      string         `json:"sourceProperty" show:"operation=toText|toBinary" doc:"Path of the field that holds the text, or the base64 text of the file." example:"data"`
	BinaryField string         `json:"binaryPropertyName" default:"data" doc:"Name the file gets in the item."`
	Title       string         `json:"title" show:"operation=iCal" doc:"Title of the event."`
	Start       string         `json:"start" show:"operation=iCal" doc:"When it begins (ISO 8601)."`
	End         string         `json:"end" show:"operation=iCal" doc:"When it ends."`
	AllDay      bool           `json:"allDay" show:"operation=iCal" doc:"It takes whole days."`
	Event       icsFields      `json:"additionalFields" show:"operation=iCal" doc:"More about the event."`
	Options     convertOptions `json:"options" doc:"Further settings."`
}

type convertOptions struct {
	FileName  string `json:"fileName" doc:"Name of the file."`
	Header    *bool  `json:"headerRow" doc:"Begin tables with the names of the columns; they do unless this is false."`
	Delimiter string `json:"delimiter" default:"," doc:"Between the fields of csv."`
	SheetName string `json:"sheetName" default:"Sheet" doc:"Name of the sheet (xlsx)."`
	Format    bool   `json:"format" doc:"Indent the JSON."`
	AddBOM    bool   `json:"addBOM" doc:"Begin text with a byte order mark."`
	Encoding  string `json:"encoding" default:"utf8" doc:"Only UTF-8 is written."`
	MimeType  string `json:"mimeType" doc:"MIME type of the file (toBinary)."`
	Compress  bool   `json:"compression" doc:"Accepted; xlsx is always compressed."`
}

// convertToFile makes files of items.
func convertToFile() *Type {
	return &Type{
		Name: convertToFileName, DisplayName: "Convert to File", Category: workflow.CategoryAction,
		Description: "Makes a file of items: a table (csv, xlsx, html), JSON, text, a calendar event, or the file whose base64 text is in a field.",
		Versions:    []float64{1, 1.1}, Params: convertParams{},
		Docs: "Tables and JSON in mode once give one item with one file; the other operations give one per item. Objects in tables are flattened to columns such as address.city.",
		Examples: []workflow.NodeExample{
			example("Make a table", convertToFileName, 1.1, `{"operation":"csv","options":{"fileName":"people.csv"}}`),
			example("One JSON file per item", convertToFileName, 1.1, `{"operation":"toJson","mode":"each","options":{"format":true}}`),
			example("File from base64", convertToFileName, 1.1, `{"operation":"toBinary","sourceProperty":"image","options":{"fileName":"image.png","mimeType":"image/png"}}`),
		},
		Check: checkConvert,
		Run:   runConvert,
	}
}

func checkConvert(n *workflow.Node) []workflow.Finding {
	switch op, _ := n.Parameters.Value("operation").(string); op {
	case "ods", "rtf", "xls":
		return []workflow.Finding{{
			Code: "unsupported_operation", Node: n.Name, Path: "parameters.operation",
			Message: "Files of the kind " + op + " cannot be made.", Hint: "Use xlsx, csv or html.",
		}}
	}
	return nil
}

func runConvert(ctx context.Context, c *Call) (Output, error) {
	if len(c.Items()) == 0 {
		return Items(nil), nil
	}
	p, err := Bind[convertParams](ctx, c, 0)
	if err != nil {
		return Output{}, AtItem(err, 0)
	}
	switch op := p.Operation; {
	case op == "toText" || op == "toBinary" || op == "iCal" || op == "toJson" && p.Mode == "each":
		items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) { return convertOne(ctx, c, i, in) })
		return Items(items), err
	}
	b, err := p.together(c.Items())
	if err != nil {
		if c.ContinueOnFail() {
			return Items([]workflow.Item{ErrorItem(err, 0)}), nil
		}
		return Output{}, err
	}
	item := workflow.Item{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{p.BinaryField: b}, Paired: &workflow.Pairing{Array: true}}
	for i := range c.Items() {
		item.Paired.Refs = append(item.Paired.Refs, workflow.Pair{Item: i})
	}
	return Items([]workflow.Item{item}), nil
}

// together makes one file of all items.
func (p *convertParams) together(items []workflow.Item) (*workflow.Binary, error) {
	o := p.Options
	if p.Operation == "toJson" {
		list := make([]any, len(items))
		for i := range items {
			list[i] = items[i].JSON
		}
		return p.jsonFile(list)
	}
	rows := tableOf(items)
	header := o.Header == nil || *o.Header
	switch p.Operation {
	case "csv":
		return newBinary(rows.csv(orText(o.Delimiter, ","), header), "text/csv", orText(o.FileName, "File.csv")), nil
	case "html":
		return newBinary(rows.html(header), "text/html", orText(o.FileName, "File.html")), nil
	case "xlsx":
		data, err := rows.xlsx(orText(o.SheetName, "Sheet"), header)
		return newBinary(data, mimeXLSX, orText(o.FileName, "File.xlsx")), err
	}
	return nil, Fail("Files of the kind %s cannot be made. Use xlsx, csv or html.", p.Operation)
}

func (p *convertParams) jsonFile(v any) (*workflow.Binary, error) {
	data, err := workflow.AppendJSON(nil, v)
	if err != nil {
		return nil, err
	}
	if p.Options.Format {
		data = indentJSON(data)
	}
	return newBinary(p.marked(data), "application/json", orText(p.Options.FileName, "file.json")), nil
}

// marked begins text with a byte order mark where that is asked for.
func (p *convertParams) marked(data []byte) []byte {
	if p.Options.AddBOM {
		return append([]byte("\xef\xbb\xbf"), data...)
	}
	return data
}

// convertOne makes the file of one item.
func convertOne(ctx context.Context, c *Call, i int, in workflow.Item) ([]workflow.Item, error) {
	p, err := Bind[convertParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	var b *workflow.Binary
	switch p.Operation {
	case "toJson":
		b, err = p.jsonFile(in.JSON)
	case "iCal":
		b, err = p.eventFile(c, i)
	default:
		b, err = p.fieldFile(in)
	}
	if err != nil {
		return nil, err
	}
	return []workflow.Item{{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{p.BinaryField: b}}}, nil
}

// fieldFile makes a file of a field's text, or of the base64 text in it.
func (p *convertParams) fieldFile(in workflow.Item) (*workflow.Binary, error) {
	v, there := lookup(in.JSON, p.Source, true)
	if !there || v == nil {
		return nil, Fail("The item has no value at %q, which parameter \"sourceProperty\" names.", p.Source)
	}
	o := p.Options
	if p.Operation == "toText" {
		return newBinary(p.marked([]byte(textOf(v))), "text/plain", orText(o.FileName, "file.txt")), nil
	}
	text, ok := v.(string)
	if !ok {
		return nil, Fail("The value at %q must be base64 text, but it is %s.", p.Source, describe(v))
	}
	mimeType := o.MimeType
	if head, rest, isURL := strings.Cut(text, ";base64,"); isURL && strings.HasPrefix(head, "data:") {
		text, mimeType = rest, orText(mimeType, strings.TrimPrefix(head, "data:"))
	}
	data, err := fileBase64(text)
	if err != nil {
		return nil, Fail("The value at %q is not base64 text: %s.", p.Source, err)
	}
	return newBinary(data, mimeType, orText(o.FileName, "file")), nil
}

// indentJSON writes JSON over several lines, two spaces a level.
func indentJSON(data []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		return data
	}
	return b.Bytes()
}
