package expr

import (
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// path is a chunk that only reads properties, so that no JavaScript has to run.
type path struct {
	root rootKind
	node string // the node's name, for rootNode and rootLegacy
	keys []string
	// positions[i] is the array index keys[i] stands for, -1 when it is none.
	positions []int
}

type rootKind uint8

const (
	rootJSON   rootKind = iota // $json, $input.item.json
	rootNode                   // $('X').item.json
	rootFirst                  // $('X').first().json
	rootLegacy                 // $node["X"].json
)

// parsePath recognises a plain property path; nil when src is anything else.
func parsePath(src string) *path {
	s := scanner{s: strings.TrimSpace(src)}
	p := &path{}
	switch {
	case s.word("$json"):
	case s.word("$input.item.json"):
	case s.word("$node"):
		p.root = rootLegacy
		name, ok := s.key()
		if !ok || !s.word(".json") {
			return nil
		}
		p.node = name
	case s.take("$("):
		name, ok := s.quoted()
		if !ok || !s.take(")") {
			return nil
		}
		p.node, p.root = name, rootNode
		if !s.word(".item.json") {
			if !s.word(".first().json") {
				return nil
			}
			p.root = rootFirst
		}
	default:
		return nil
	}
	for s.s != "" {
		k, ok := s.key()
		if !ok || forbidden[k] {
			return nil
		}
		p.keys = append(p.keys, k)
		p.positions = append(p.positions, arrayIndex(k))
	}
	return p
}

// inherited are names that plain objects, arrays, strings and numbers have
// without holding them: where a value does not hold one, JavaScript looks.
var inherited = setOf("hasOwnProperty isPrototypeOf propertyIsEnumerable " +
	"toLocaleString toString valueOf " +
	"at concat copyWithin entries every fill filter find findIndex findLast findLastIndex flat flatMap " +
	"forEach includes indexOf join keys lastIndexOf map pop push reduce reduceRight reverse shift slice some " +
	"sort splice toReversed toSorted toSpliced unshift values with anchor big blink bold charAt charCodeAt " +
	"codePointAt endsWith fixed fontcolor fontsize italics link localeCompare match matchAll normalize padEnd " +
	"padStart repeat replace replaceAll search small split startsWith strike sub substr substring sup " +
	"toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase trim trimEnd trimLeft trimRight trimStart " +
	"isWellFormed toWellFormed toExponential toFixed toPrecision")

func setOf(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// lookup reads the path's keys from v. ok is false where JavaScript has to
// decide: text by position, or an inherited name.
func (p *path) lookup(v any) (out any, ok bool) {
	for i, k := range p.keys {
		switch val := v.(type) {
		case *workflow.Object:
			next, has := val.Get(k)
			if !has {
				if inherited[k] {
					return nil, false
				}
				next = Undefined
			}
			v = next
		case []any:
			switch n := p.positions[i]; {
			case n >= 0 && n < len(val):
				v = val[n]
			case k == "length":
				v = float64(len(val))
			case inherited[k]:
				return nil, false
			default:
				v = Undefined
			}
		case string, float64, bool:
			_, isText := v.(string)
			if isText && (k == "length" || p.positions[i] >= 0) || inherited[k] {
				return nil, false
			}
			v = Undefined
		case nil, UndefinedValue:
			return Undefined, true // reading a property of nothing throws, which leaves undefined
		default:
			return nil, false
		}
	}
	return v, true
}

// arrayIndex is the array index a key stands for, -1 when it is none.
func arrayIndex(k string) int {
	if k == "" || len(k) > 9 || k[0] < '0' || k[0] > '9' || (k[0] == '0' && len(k) > 1) {
		return -1
	}
	n, err := strconv.Atoi(k)
	if err != nil {
		return -1
	}
	return n
}

// scanner reads a chunk from the left.
type scanner struct{ s string }

func (s *scanner) take(prefix string) bool {
	rest, ok := strings.CutPrefix(s.s, prefix)
	if ok {
		s.s = rest
	}
	return ok
}

// word takes a prefix that no longer name may continue.
func (s *scanner) word(prefix string) bool {
	rest, ok := strings.CutPrefix(s.s, prefix)
	if !ok || (rest != "" && (isNamePart(rest[0]) || rest[0] >= 0x80 || rest[0] == '\\')) {
		return false
	}
	s.s = rest
	return true
}

// key takes .name, ["text"], ['text'] or [0].
func (s *scanner) key() (string, bool) {
	if s.take(".") {
		n := 0
		for n < len(s.s) && isNamePart(s.s[n]) {
			n++
		}
		if n == 0 || s.s[0] <= '9' && s.s[0] >= '0' {
			return "", false
		}
		if n < len(s.s) && (s.s[n] >= 0x80 || s.s[n] == '\\') {
			return "", false
		}
		k := s.s[:n]
		s.s = s.s[n:]
		return k, true
	}
	if !s.take("[") {
		return "", false
	}
	if k, ok := s.quoted(); ok {
		return k, s.take("]")
	}
	i := strings.IndexByte(s.s, ']')
	if i <= 0 || arrayIndex(s.s[:i]) < 0 {
		return "", false
	}
	k := s.s[:i]
	s.s = s.s[i+1:]
	return k, true
}

// quoted takes a string literal without escapes.
func (s *scanner) quoted() (string, bool) {
	if s.s == "" || (s.s[0] != '"' && s.s[0] != '\'') {
		return "", false
	}
	i := strings.IndexByte(s.s[1:], s.s[0])
	if i < 0 || strings.ContainsAny(s.s[1:1+i], "\\\n\r") {
		return "", false
	}
	text := s.s[1 : 1+i]
	s.s = s.s[2+i:]
	return text, true
}

func isNamePart(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
