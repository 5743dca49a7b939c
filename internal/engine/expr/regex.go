package expr

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// The interpreter's regular expressions know no \p{…}. Such classes are
// written out as ranges before a pattern gets to it.

// regexSource is what the constructor of regular expressions passes on:
// the arguments with the classes in the pattern written out.
func (v *vm) regexSource(call goja.FunctionCall) goja.Value {
	n := int(call.Argument(2).ToInteger())
	out := make([]any, 0, 2)
	if n > 0 {
		pattern := call.Argument(0)
		if s, ok := pattern.Export().(string); ok && strings.Contains(s, `\`) {
			flags := ""
			if n > 1 && !goja.IsUndefined(call.Argument(1)) {
				flags = call.Argument(1).String()
			}
			pattern = v.rt.ToValue(writeOutClasses(s, flags))
		}
		out = append(out, pattern)
	}
	if n > 1 {
		out = append(out, call.Argument(1))
	}
	return v.rt.NewArray(out...)
}

// writeOutLiterals does the same for the literals in a tree.
func writeOutLiterals(prg *ast.Program) {
	walk(reflect.ValueOf(prg.Body), func(v reflect.Value) bool {
		if lit, ok := v.Interface().(*ast.RegExpLiteral); ok && strings.Contains(lit.Pattern, `\p`) || ok && strings.Contains(lit.Pattern, `\P`) {
			lit.Pattern = writeOutClasses(lit.Pattern, lit.Flags)
		}
		return true
	})
}

// writeOutClasses replaces \p{…} and \P{…} in a pattern with the flag u.
func writeOutClasses(pattern, flags string) string {
	if !strings.ContainsAny(flags, "uv") || !strings.Contains(pattern, `\p`) && !strings.Contains(pattern, `\P`) {
		return pattern
	}
	var b strings.Builder
	inside := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			table, length := classAt(pattern[i:])
			if table == nil {
				b.WriteString(pattern[i : i+2])
				i++
				continue
			}
			negated := pattern[i+1] == 'P'
			writeClass(&b, table, inside, negated)
			i += length - 1
			continue
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		}
		b.WriteByte(c)
	}
	return b.String()
}

// classAt reads \p{name} at the beginning of s.
func classAt(s string) (*unicode.RangeTable, int) {
	if len(s) < 4 || s[1] != 'p' && s[1] != 'P' || s[2] != '{' {
		return nil, 0
	}
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return nil, 0
	}
	name := s[3:end]
	if _, value, ok := strings.Cut(name, "="); ok {
		name = value
	}
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Scripts, unicode.Properties, emojiTables} {
		if t := tables[name]; t != nil {
			return t, end + 1
		}
	}
	if t := unicode.Categories[longCategories[name]]; t != nil {
		return t, end + 1
	}
	return nil, 0
}

// writeClass writes a table's ranges, within a class or as one of their own.
func writeClass(b *strings.Builder, t *unicode.RangeTable, inside, negated bool) {
	if !inside {
		b.WriteByte('[')
		if negated {
			b.WriteByte('^')
		}
	}
	next := rune(0)
	write := func(lo, hi rune) {
		if inside && negated {
			if lo > next {
				fmt.Fprintf(b, `\u{%x}-\u{%x}`, next, lo-1)
			}
			next = hi + 1
			return
		}
		fmt.Fprintf(b, `\u{%x}-\u{%x}`, lo, hi)
	}
	for _, r := range t.R16 {
		eachRange(rune(r.Lo), rune(r.Hi), rune(r.Stride), write)
	}
	for _, r := range t.R32 {
		eachRange(rune(r.Lo), rune(r.Hi), rune(r.Stride), write)
	}
	if inside && negated && next <= unicode.MaxRune {
		fmt.Fprintf(b, `\u{%x}-\u{%x}`, next, unicode.MaxRune)
	}
	if !inside {
		b.WriteByte(']')
	}
}

func eachRange(lo, hi, stride rune, write func(lo, hi rune)) {
	if stride == 1 {
		write(lo, hi)
		return
	}
	for r := lo; r <= hi; r += stride {
		write(r, r)
	}
}

var longCategories = map[string]string{"Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
	"Number": "N", "Decimal_Number": "Nd", "Punctuation": "P", "punct": "P", "Symbol": "S", "Separator": "Z", "Space_Separator": "Zs",
	"Mark": "M", "Nonspacing_Mark": "Mn", "Control": "Cc", "Other": "C", "Currency_Symbol": "Sc", "Math_Symbol": "Sm"}

// emojiTables are the blocks that hold emoji; the standard library has no
// tables of the emoji properties.
var emojiTables = map[string]*unicode.RangeTable{
	"Emoji": emoji, "Emoji_Presentation": emoji, "Extended_Pictographic": emoji,
	"Alphabetic": unicode.L, "Uppercase": unicode.Lu, "Lowercase": unicode.Ll,
	"Emoji_Modifier": {R32: []unicode.Range32{{Lo: 0x1F3FB, Hi: 0x1F3FF, Stride: 1}}},
}

var emoji = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0xA9, Hi: 0xAE, Stride: 5}, {Lo: 0x203C, Hi: 0x2049, Stride: 13}, {Lo: 0x2122, Hi: 0x2139, Stride: 23},
		{Lo: 0x2194, Hi: 0x2199, Stride: 1}, {Lo: 0x21A9, Hi: 0x21AA, Stride: 1}, {Lo: 0x231A, Hi: 0x231B, Stride: 1},
		{Lo: 0x23E9, Hi: 0x23FA, Stride: 1}, {Lo: 0x25AA, Hi: 0x25AB, Stride: 1}, {Lo: 0x25B6, Hi: 0x25C0, Stride: 10},
		{Lo: 0x25FB, Hi: 0x25FE, Stride: 1}, {Lo: 0x2600, Hi: 0x27BF, Stride: 1}, {Lo: 0x2934, Hi: 0x2935, Stride: 1},
		{Lo: 0x2B05, Hi: 0x2B07, Stride: 1}, {Lo: 0x2B1B, Hi: 0x2B1C, Stride: 1}, {Lo: 0x2B50, Hi: 0x2B55, Stride: 5},
		{Lo: 0x3030, Hi: 0x303D, Stride: 13}, {Lo: 0x3297, Hi: 0x3299, Stride: 2}},
	R32: []unicode.Range32{{Lo: 0x1F004, Hi: 0x1F004, Stride: 1}, {Lo: 0x1F0CF, Hi: 0x1F0CF, Stride: 1}, {Lo: 0x1F170, Hi: 0x1F251, Stride: 1},
		{Lo: 0x1F300, Hi: 0x1FAFF, Stride: 1}},
}
