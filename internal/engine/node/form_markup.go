package node

import (
	"html"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// plainTags are the elements that texts between form fields may hold.
var plainTags = []string{"p", "br", "hr", "b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "code", "pre", "blockquote", "span", "div",
	"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "td", "th"}

// silentTags are left out with all that is in them.
var silentTags = []string{"script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "textarea", "select", "title"}

// maxMarkupDepth bounds how deep elements nest.
const maxMarkupDepth = 50

// plainMarkup keeps of HTML its texts, the elements that only shape them, and
// links to web pages and mail addresses. All attributes but links' addresses
// are left out.
func plainMarkup(text string) string {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		return html.EscapeString(text)
	}
	var b strings.Builder
	writePlain(&b, doc.Find("body"), 0)
	return strings.TrimSpace(b.String())
}

func writePlain(b *strings.Builder, s *goquery.Selection, depth int) {
	if depth > maxMarkupDepth {
		return
	}
	s.Contents().Each(func(_ int, e *goquery.Selection) {
		name := goquery.NodeName(e)
		switch {
		case name == "#text":
			b.WriteString(html.EscapeString(e.Text()))
		case slices.Contains(silentTags, name) || strings.HasPrefix(name, "#"):
		case name == "br" || name == "hr":
			b.WriteString("<" + name + ">")
		case name == "a" && webLink(e.AttrOr("href", "")):
			b.WriteString(`<a rel="noopener noreferrer nofollow" href="` + html.EscapeString(e.AttrOr("href", "")) + `">`)
			writePlain(b, e, depth+1)
			b.WriteString("</a>")
		case slices.Contains(plainTags, name):
			b.WriteString("<" + name + ">")
			writePlain(b, e, depth+1)
			b.WriteString("</" + name + ">")
		default:
			writePlain(b, e, depth+1)
		}
	})
}

// webLink reports whether an address leads to a web page or a mail address.
func webLink(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" || u.Scheme == "mailto"
}
