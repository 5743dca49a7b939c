package node

import (
	"bytes"
	"context"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"

	"flowgate/internal/workflow"
)

type markdownParams struct {
	Mode           string          `json:"mode" doc:"Which way to convert." default:"htmlToMarkdown" enum:"htmlToMarkdown,markdownToHtml" expr:"no"`
	HTML           string          `json:"html" doc:"The HTML." hint:"html" show:"mode=htmlToMarkdown"`
	Markdown       string          `json:"markdown" doc:"The Markdown." hint:"multiline" show:"mode=markdownToHtml"`
	DestinationKey string          `json:"destinationKey" doc:"Field that gets the result." default:"data"`
	Options        markdownOptions `json:"options"`
}

type markdownOptions struct {
	Tables                 bool   `json:"tables" doc:"Read tables."`
	Strikethrough          bool   `json:"strikethrough" doc:"Read ~~struck~~ text."`
	Tasklists              bool   `json:"tasklists" doc:"Read task lists."`
	SimplifiedAutoLink     bool   `json:"simplifiedAutoLink" doc:"Make links of bare addresses."`
	NoHeaderID             bool   `json:"noHeaderId" doc:"Give headings no id."`
	SimpleLineBreaks       bool   `json:"simpleLineBreaks" doc:"Keep single line breaks."`
	OpenLinksInNewWindow   bool   `json:"openLinksInNewWindow" doc:"Give links a target."`
	CompleteHTMLDocument   bool   `json:"completeHTMLDocument" doc:"Write a whole page."`
	BulletMarker           string `json:"bulletMarker" doc:"Sign of list items." default:"*"`
	CodeBlockStyle         string `json:"codeBlockStyle" doc:"How code blocks are written." default:"fence" enum:"fence,fenced,indented"`
	CodeFence              string `json:"codeFence" doc:"Fence of code blocks; three backticks when absent."`
	EmDelimiter            string `json:"emDelimiter" doc:"Sign of emphasis." default:"_"`
	StrongDelimiter        string `json:"strongDelimiter" doc:"Sign of strong text." default:"**"`
	MaxConsecutiveNewlines int    `json:"maxConsecutiveNewlines" doc:"Most line breaks in a row." default:"3"`
	KeepDataImages         bool   `json:"keepDataImages" doc:"Keep images whose content is in the address."`
	Ignore                 string `json:"ignore" doc:"Tags to leave out, with commas between."`
}

// markdownType converts between HTML and Markdown.
func markdownType() *Type {
	const name = "n8n-nodes-base.markdown"
	return &Type{
		Name: name, DisplayName: "Markdown", Category: workflow.CategoryAction,
		Description: "Converts HTML to Markdown, or Markdown to HTML.",
		Versions:    []float64{1}, Params: markdownParams{},
		Examples: []workflow.NodeExample{example("To HTML", name, 1, `{"mode":"markdownToHtml","markdown":"={{ $json.text }}","options":{}}`)},
		Run:      runMarkdown,
	}
}

func runMarkdown(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[markdownParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		var text string
		if p.Mode == "markdownToHtml" {
			text, err = p.toHTML()
		} else {
			text, err = p.toMarkdown()
		}
		if err != nil {
			return nil, err
		}
		out := workflow.Item{JSON: in.JSON.Copy(), Binary: in.Binary}
		assign(out.JSON, p.DestinationKey, text, true)
		return []workflow.Item{out}, nil
	})
	return Items(items), err
}

func (p *markdownParams) toHTML() (string, error) {
	o := p.Options
	var exts []goldmark.Extender
	add := func(on bool, e goldmark.Extender) {
		if on {
			exts = append(exts, e)
		}
	}
	add(o.Tables, extension.Table)
	add(o.Strikethrough, extension.Strikethrough)
	add(o.Tasklists, extension.TaskList)
	add(o.SimplifiedAutoLink, extension.Linkify)
	render := []renderer.Option{html.WithUnsafe()}
	if o.SimpleLineBreaks {
		render = append(render, html.WithHardWraps())
	}
	var parse []parser.Option
	if !o.NoHeaderID {
		parse = append(parse, parser.WithAutoHeadingID())
	}
	md := goldmark.New(goldmark.WithExtensions(exts...), goldmark.WithRendererOptions(render...), goldmark.WithParserOptions(parse...))
	var b bytes.Buffer
	pc := parser.NewContext(parser.WithIDs(headingIDs{}))
	if err := md.Convert([]byte(p.Markdown), &b, parser.WithContext(pc)); err != nil {
		return "", Fail("The Markdown cannot be read: %v.", err)
	}
	text := strings.TrimRight(b.String(), "\n")
	if o.OpenLinksInNewWindow {
		text = strings.ReplaceAll(text, "<a href=", `<a rel="noopener noreferrer" target="_blank" href=`)
	}
	if o.CompleteHTMLDocument {
		text = "<!DOCTYPE HTML>\n<html>\n<head>\n<meta charset=\"utf-8\">\n</head>\n<body>\n" + text + "\n</body>\n</html>"
	}
	return text, nil
}

// headingIDs makes ids of headings: their letters and digits in lower case,
// with a number where an id is taken.
type headingIDs map[string]int

// Generate returns a free id.
func (ids headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' {
			return unicode.ToLower(r)
		}
		return -1
	}, string(value))
	n := ids[id]
	ids[id]++
	if n > 0 {
		return []byte(id + "-" + numberText(float64(n)))
	}
	return []byte(id)
}

// Put marks an id as taken.
func (ids headingIDs) Put(value []byte) { ids[string(value)]++ }
