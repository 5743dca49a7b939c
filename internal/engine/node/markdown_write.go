package node

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// toMarkdown writes HTML as Markdown.
func (p *markdownParams) toMarkdown() (string, error) {
	doc, err := html.Parse(strings.NewReader(p.HTML))
	if err != nil {
		return "", Fail("The HTML cannot be read: %v.", err)
	}
	w := &markdownWriter{o: p.Options, skip: map[string]bool{"script": true, "style": true, "head": true, "noscript": true, "template": true}}
	for _, tag := range strings.Split(p.Options.Ignore, ",") {
		w.skip[lower(tag)] = true
	}
	w.children(doc)
	return strings.TrimSpace(w.b.String()), nil
}

// markdownWriter walks an HTML tree and writes Markdown. Blocks ask for line
// breaks before and after themselves; the larger of two neighbours' wishes
// counts.
type markdownWriter struct {
	b      strings.Builder
	o      markdownOptions
	skip   map[string]bool
	breaks int    // line breaks due before the next text
	prefix string // begins every line, for quotes and lists
	blank  string // begins the empty lines that are due
	pre    bool   // inside preformatted text
	lists  []list
	space  bool // a space is due before the next text
}

type list struct {
	ordered bool
	count   int
}

func (w *markdownWriter) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c)
	}
}

func (w *markdownWriter) block(breaks int) {
	if w.b.Len() > 0 {
		if w.breaks == 0 || len(w.prefix) < len(w.blank) {
			w.blank = w.prefix
		}
		w.breaks = max(w.breaks, breaks)
	}
	w.space = false
}

// write adds text, after the line breaks that are due.
func (w *markdownWriter) write(s string) {
	if s == "" {
		return
	}
	if w.breaks > 0 {
		most := w.o.MaxConsecutiveNewlines
		if most < 1 {
			most = 3
		}
		for range min(w.breaks, most) - 1 {
			w.b.WriteString("\n" + strings.TrimRight(w.blank, " "))
		}
		w.b.WriteString("\n" + w.prefix)
		w.breaks = 0
	} else if w.b.Len() == 0 {
		w.b.WriteString(w.prefix)
	} else if w.space {
		w.b.WriteString(" ")
	}
	w.space = false
	w.b.WriteString(s)
}

func (w *markdownWriter) node(n *html.Node) {
	switch n.Type {
	case html.TextNode:
		w.text(n.Data)
	case html.ElementNode:
		if !w.skip[n.Data] {
			w.element(n)
		}
	case html.DocumentNode:
		w.children(n)
	}
}

func (w *markdownWriter) text(s string) {
	if w.pre {
		w.write(strings.ReplaceAll(s, "\n", "\n"+w.prefix))
		return
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		w.space = w.space || (s != "" && w.b.Len() > 0 && w.breaks == 0)
		return
	}
	if isSpace(s[0]) && w.b.Len() > 0 {
		w.space = true
	}
	w.write(escapeMarkdown(strings.Join(words, " ")))
	w.space = isSpace(s[len(s)-1])
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "*", `\*`, "`", "\\`", "_", `\_`, "[", `\[`, "]", `\]`)

func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }

func (w *markdownWriter) element(n *html.Node) {
	switch n.Data {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		level, _ := strconv.Atoi(n.Data[1:])
		w.around(2, func() {
			w.write(strings.Repeat("#", level))
			w.space = true
			w.children(n)
		})
	case "p", "div", "section", "article", "header", "footer", "main", "figure", "form", "dl", "table":
		if n.Data == "table" {
			w.around(2, func() { w.table(n) })
			return
		}
		w.around(2, func() { w.children(n) })
	case "br":
		w.write("  ")
		w.block(1)
	case "hr":
		w.around(2, func() { w.write("---") })
	case "strong", "b":
		w.wrapped(n, firstOf(w.o.StrongDelimiter, "**"))
	case "em", "i":
		w.wrapped(n, firstOf(w.o.EmDelimiter, "_"))
	case "del", "s", "strike":
		w.wrapped(n, "~~")
	case "code", "kbd", "samp":
		if !w.pre {
			w.code(n)
			return
		}
		w.children(n)
	case "pre":
		w.around(2, func() { w.codeBlock(n) })
	case "blockquote":
		w.around(2, func() { w.indented("> ", func() { w.children(n) }) })
	case "ul", "ol":
		w.lists = append(w.lists, list{ordered: n.Data == "ol"})
		w.around(1, func() { w.children(n) })
		w.lists = w.lists[:len(w.lists)-1]
	case "li":
		w.around(1, func() { w.item(n) })
	case "a":
		w.link(n)
	case "img":
		w.image(n)
	default:
		w.children(n)
	}
}

func (w *markdownWriter) around(breaks int, fn func()) {
	w.block(breaks)
	fn()
	w.block(breaks)
}

func (w *markdownWriter) indented(prefix string, fn func()) {
	old := w.prefix
	w.prefix += prefix
	fn()
	w.prefix = old
}
