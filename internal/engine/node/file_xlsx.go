package node

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"flowgate/internal/workflow"
)

const mimeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// maxUnzipped bounds what a spreadsheet unpacks to.
const maxUnzipped = 128 << 20

// xlsx writes the table as a workbook of one sheet.
func (t *table) xlsx(sheet string, header bool) ([]byte, error) {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return nil, Fail("The name %q cannot be a sheet's: %s.", sheet, err)
	}
	w, err := f.NewStreamWriter(sheet)
	if err != nil {
		return nil, err
	}
	for n, line := range t.cells(header) {
		if err := w.SetRow("A"+strconv.Itoa(n+1), line); err != nil {
			return nil, Fail("Row %d cannot be written: %s.", n+1, err)
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	buf, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// readXLSX reads the lines of a sheet, the first one where sheet is empty, in
// the range ("A2:C10", "A2" on, or a row's number) where one is given. Cells
// come as numbers, booleans and texts, nil where they are empty.
func readXLSX(data []byte, sheet, area, password string) ([][]any, error) {
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped, Password: password,
	})
	if err != nil {
		return nil, Fail("The file is not a readable xlsx workbook: %s.", err)
	}
	defer func() { _ = f.Close() }()
	names := f.GetSheetList()
	if sheet == "" && len(names) > 0 {
		sheet = names[0]
	}
	box, err := areaOf(area)
	if err != nil {
		return nil, err
	}
	rows, err := f.Rows(sheet)
	if err != nil {
		return nil, Fail("The workbook has no sheet named %q. It has: %s.", sheet, strings.Join(names, ", "))
	}
	defer func() { _ = rows.Close() }()
	var out [][]any
	for n := 1; rows.Next(); n++ {
		texts, err := rows.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return nil, Fail("Row %d cannot be read: %s.", n, err)
		}
		if n < box.row1 || n > box.row2 {
			continue
		}
		line := make([]any, 0, len(texts))
		for i := box.col1; i <= min(len(texts), box.col2); i++ {
			line = append(line, xlsxCell(f, sheet, i, n, texts[i-1]))
		}
		out = append(out, line)
	}
	return out, nil
}

// xlsxCell reads a cell by its type.
func xlsxCell(f *excelize.File, sheet string, col, row int, text string) any {
	if text == "" {
		return nil
	}
	name, err := excelize.CoordinatesToCellName(col, row)
	if err != nil {
		return text
	}
	switch kind, _ := f.GetCellType(sheet, name); kind {
	case excelize.CellTypeBool:
		return text == "1" || strings.EqualFold(text, "true")
	case excelize.CellTypeUnset, excelize.CellTypeNumber, excelize.CellTypeFormula:
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	}
	return text
}

// box is a part of a sheet, counted from 1, both ends in it.
type box struct{ col1, row1, col2, row2 int }

func areaOf(area string) (box, error) {
	all := box{1, 1, 1 << 20, 1 << 30}
	area = strings.ReplaceAll(strings.TrimSpace(area), "$", "")
	if area == "" {
		return all, nil
	}
	if n, err := strconv.Atoi(area); err == nil { // from this row on, counted from 0
		all.row1 = n + 1
		return all, nil
	}
	from, to, both := strings.Cut(area, ":")
	var err error
	if all.col1, all.row1, err = excelize.CellNameToCoordinates(from); err == nil && both {
		all.col2, all.row2, err = excelize.CellNameToCoordinates(to)
	}
	if err != nil {
		return all, Fail("The option range is %q, which is no range such as A1:C20.", area)
	}
	return all, nil
}

// rowsToItems makes objects of lines: the first names the columns where header
// is set, otherwise each line is {row: […]}. Empty cells are left out, or ""
// where empty is set; lines without any cell are skipped.
func rowsToItems(lines [][]any, header, empty bool) []*workflow.Object {
	var names []string
	var out []*workflow.Object
	for _, line := range lines {
		if header && names == nil {
			names = columnNames(line)
			continue
		}
		if blankLine(line) {
			continue
		}
		if !header {
			out = append(out, workflow.NewObject("row", trimmedLine(line, empty)))
			continue
		}
		o := &workflow.Object{}
		for i, name := range names {
			var v any
			if i < len(line) {
				v = line[i]
			}
			switch {
			case v != nil && v != "":
				o.Set(name, v)
			case empty:
				o.Set(name, "")
			}
		}
		out = append(out, o)
	}
	return out
}

// columnNames names columns after a line: empty and repeated names get a
// number.
func columnNames(line []any) []string {
	out := make([]string, len(line))
	seen := map[string]int{}
	for i, v := range line {
		name := cellText(v)
		if name == "" {
			name = "__EMPTY"
		}
		n := seen[name]
		seen[name]++
		if n > 0 {
			name += "_" + strconv.Itoa(n)
		}
		out[i] = name
	}
	return out
}

func blankLine(line []any) bool {
	for _, v := range line {
		if v != nil && v != "" {
			return false
		}
	}
	return true
}

func trimmedLine(line []any, empty bool) []any {
	out := []any{}
	for _, v := range line {
		if v != nil && v != "" {
			out = append(out, v)
		} else if empty {
			out = append(out, "")
		}
	}
	return out
}
