package node

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// inner writes the content of n on its own, without line breaks around it.
func (w *markdownWriter) inner(n *html.Node) string {
	sub := &markdownWriter{o: w.o, skip: w.skip}
	sub.children(n)
	return strings.TrimSpace(sub.b.String())
}

// wrapped puts a sign on both sides of n's content.
func (w *markdownWriter) wrapped(n *html.Node, sign string) {
	if text := w.inner(n); text != "" {
		w.write(sign + text + sign)
	}
}

func (w *markdownWriter) code(n *html.Node) {
	text := strings.TrimSpace(nodeText(n))
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if text != "" {
		w.write(fence + text + fence)
	}
}

func (w *markdownWriter) codeBlock(n *html.Node) {
	text := strings.TrimRight(nodeText(n), "\n")
	w.pre = true
	defer func() { w.pre = false }()
	if w.o.CodeBlockStyle == "indented" {
		w.indented("    ", func() { w.text(text) })
		return
	}
	fence := firstOf(w.o.CodeFence, "```")
	w.write(fence + codeLanguage(n))
	w.block(1)
	w.text(text)
	w.block(1)
	w.write(fence)
}

// codeLanguage reads class="language-x" of a code element inside pre.
func codeLanguage(n *html.Node) string {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		for _, class := range strings.Fields(attribute(c, "class")) {
			if lang, ok := strings.CutPrefix(class, "language-"); ok {
				return lang
			}
		}
	}
	return ""
}

func (w *markdownWriter) item(n *html.Node) {
	sign := firstOf(w.o.BulletMarker, "*") + " "
	if len(w.lists) > 0 {
		if l := &w.lists[len(w.lists)-1]; l.ordered {
			l.count++
			sign = strconv.Itoa(l.count) + ". "
		}
	}
	w.write(strings.TrimRight(sign, " "))
	w.space = true
	old := w.prefix
	w.prefix += strings.Repeat(" ", len(sign))
	w.children(n)
	w.prefix = old
}

func (w *markdownWriter) link(n *html.Node) {
	text, href := w.inner(n), attribute(n, "href")
	switch {
	case href == "":
		w.write(text)
	case text == "":
	case text == href:
		w.write("<" + href + ">")
	default:
		w.write("[" + text + "](" + href + title(n) + ")")
	}
}

func (w *markdownWriter) image(n *html.Node) {
	src := attribute(n, "src")
	if src == "" || (strings.HasPrefix(src, "data:") && !w.o.KeepDataImages) {
		return
	}
	w.write("![" + attribute(n, "alt") + "](" + src + title(n) + ")")
}

func title(n *html.Node) string {
	if t := attribute(n, "title"); t != "" {
		return ` "` + strings.ReplaceAll(t, `"`, `\"`) + `"`
	}
	return ""
}

// table writes rows with bars between the cells; the first row is the head.
func (w *markdownWriter) table(n *html.Node) {
	for i, row := range descendants(n, "tr") {
		var cells []string
		for c := row.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.ElementNode && (c.Data == "td" || c.Data == "th") {
				cells = append(cells, strings.ReplaceAll(strings.ReplaceAll(w.inner(c), "\n", " "), "|", `\|`))
			}
		}
		w.write("| " + strings.Join(cells, " | ") + " |")
		w.block(1)
		if i == 0 {
			w.write("|" + strings.Repeat(" --- |", len(cells)))
			w.block(1)
		}
	}
}

func descendants(n *html.Node, tag string) []*html.Node {
	var out []*html.Node
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data == tag {
			out = append(out, c)
		}
	}
	return out
}

func nodeText(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
