package expr

import "strings"

// template is a parsed parameter: literal text and code chunks in turn.
type template struct {
	parts  []part
	single bool // exactly one chunk and nothing else: its value keeps its type
}

// part is a piece of literal text, or a chunk of code.
type part struct {
	text string
	code *chunk // nil for text
}

// IsExpression reports whether v is a parameter value that is evaluated: a
// string that begins with "=".
func IsExpression(v any) bool {
	s, ok := v.(string)
	return ok && strings.HasPrefix(s, "=")
}

// splitTemplate cuts what follows the "=" of a parameter into text and chunks.
// A chunk runs from "{{" to the first "}}", whatever stands between; "\{{"
// opens none and stays as it is. An unclosed "{{" is text. emit gets each
// piece with its byte offset in s.
func splitTemplate(s string, emit func(piece string, isCode bool, offset int)) {
	text, from := 0, 0
	for {
		i := strings.Index(s[from:], "{{")
		if i < 0 {
			break
		}
		open := from + i
		if open > 0 && s[open-1] == '\\' {
			from = open + 2
			continue
		}
		end := strings.Index(s[open+2:], "}}")
		if end < 0 {
			break
		}
		if open > text {
			emit(s[text:open], false, text)
		}
		emit(s[open+2:open+2+end], true, open+2)
		text = open + end + 4
		from = text
	}
	if text < len(s) {
		emit(s[text:], false, text)
	}
}

// parseTemplate parses raw, which begins with "=". The error is the first
// chunk's that does not compile.
func parseTemplate(raw string) (*template, error) {
	t := &template{}
	var first error
	splitTemplate(raw[1:], func(piece string, isCode bool, offset int) {
		if !isCode {
			t.parts = append(t.parts, part{text: piece})
			return
		}
		c, err := compileChunk(piece)
		if err != nil && first == nil {
			first = chunkError(err, piece, offset+1)
		}
		t.parts = append(t.parts, part{code: c})
	})
	t.single = len(t.parts) == 1 && t.parts[0].code != nil
	return t, first
}

// chunkError places a compile error in the whole parameter.
func chunkError(err error, piece string, offset int) error {
	e := asError(err, KindSyntax)
	e.Expression = strings.TrimSpace(piece)
	if e.Pos >= 0 {
		e.Pos += offset
	} else {
		e.Pos = offset
	}
	return e
}

// Check reports the first syntax or security error in a parameter value, as
// an *Error with the position in raw. A value that is no expression is fine.
func Check(raw string) error {
	if !IsExpression(raw) {
		return nil
	}
	_, err := parseTemplate(raw)
	return err
}
