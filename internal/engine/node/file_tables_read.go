package node

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
)

// readCSV reads lines of texts. Lines may differ in length.
func readCSV(text, delimiter string, relaxed bool) ([][]any, error) {
	if delimiter == `\t` {
		delimiter = "\t"
	}
	comma, size := utf8.DecodeRuneInString(delimiter)
	if size != len(delimiter) || comma == '"' || comma == '\r' || comma == '\n' {
		return nil, Fail("The option delimiter must be one character, but it is %q.", delimiter)
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = comma, -1, relaxed, true
	var out [][]any
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, Fail("The file is not valid csv: %s.", err)
		}
		line := make([]any, len(record))
		for i, s := range record {
			line[i] = s
		}
		out = append(out, line)
	}
}

// readHTMLTable reads the lines of a page's first table. Cells that say their
// type are read by it; others are numbers and booleans where they look so.
func readHTMLTable(text string) ([][]any, error) {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		return nil, Fail("The file is not readable HTML: %s.", err)
	}
	tables := doc.Find("table")
	if tables.Length() == 0 {
		return nil, Fail("The page has no table.")
	}
	var out [][]any
	tables.First().Find("tr").Each(func(_ int, row *goquery.Selection) {
		line := []any{}
		row.ChildrenFiltered("td, th").Each(func(_ int, cell *goquery.Selection) {
			line = append(line, htmlCell(cell))
			span, _ := strconv.Atoi(cell.AttrOr("colspan", "1"))
			for range min(max(span-1, 0), 100) {
				line = append(line, nil)
			}
		})
		out = append(out, line)
	})
	return out, nil
}

func htmlCell(cell *goquery.Selection) any {
	cell.Find("br").ReplaceWithHtml("\n")
	text := strings.TrimSpace(cell.Text())
	if v, ok := cell.Attr("data-v"); ok {
		text = v
	}
	switch cell.AttrOr("data-t", "") {
	case "s":
		return text
	case "b":
		return strings.EqualFold(text, "true") || text == "1"
	}
	switch {
	case text == "":
		return nil
	case text == "TRUE" || text == "FALSE":
		return text == "TRUE"
	}
	if n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64); err == nil && strings.ContainsAny(text[:1], "0123456789-.") {
		return n
	}
	return text
}
