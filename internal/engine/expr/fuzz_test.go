package expr

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"={{ $json.a }}", "=a \\{{ 1 }} b", "={{ {\"a\":{\"b\":2}} }}", "={{", "=}}{{}}", "={{ `a${`b`}` }}",
		"={{ a?.b?.[c]?.(d) }}", "={{ ({a, b: [c, ...d]} = {}) }}", "={{ async function* f() { yield* await x } }}", "={{ class A extends B { #x; static {} } }}",
		"={{ a => b => ({ [c]: d, ...e }) }}", "={{ x.isEmpty() }}", "={{ a[b] += c }}", "={{ new.target }}", "={{ 0, /* */ }}", "={{ /\\p{L}/u }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		pieces := ""
		if IsExpression(raw) {
			splitTemplate(raw[1:], func(piece string, isCode bool, at int) {
				if raw[1+at:1+at+len(piece)] != piece {
					t.Errorf("a piece is not at its place in %q", raw)
				}
				if isCode {
					piece = "{{" + piece + "}}"
					if strings.Contains(piece[:len(piece)-2], "}}") {
						t.Errorf("a chunk of %q holds its end", raw)
					}
				}
				pieces += piece
			})
			if pieces != raw[1:] {
				t.Errorf("%q came back as %q", raw, pieces)
			}
		}
		err := Check(raw)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Pos < 0 || e.Pos > len(raw)) {
			t.Errorf("%q: %#v", raw, err)
		}
		ReferencedNodes(raw)
	})
}

func FuzzEvaluate(f *testing.F) {
	for _, a := range attacks {
		if !raceDetector && !strings.Contains(a.code, "for (;;)") && !strings.Contains(a.code, "while") {
			f.Add(a.code)
		}
	}
	for _, s := range []string{`$json.list.map(x => x * 2).join("-")`, `$now.plus(1, "days")`, `$json.o.keys().first()`, `$if($json.n > 1, "y", "n")`,
		`"12".toNumber()`, `JSON.parse('{"a":[1]}')`, `$jmespath($json, "o.a")`, `[1,[2]].flat()`} {
		f.Add(s)
	}
	p := NewPool(Options{ExprTimeout: 200 * time.Millisecond})
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, code string) {
		if strings.Contains(code, "}}") {
			return
		}
		s := p.Session()
		defer s.Close()
		started := time.Now()
		late := time.AfterFunc(20*time.Second, func() { panic("stuck: " + code) })
		defer late.Stop()
		v, err := s.Resolve(context.Background(), "={{"+code+"}}", 0, attackScope(t))
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%q: %v is no *Error", code, err)
		}
		if err == nil {
			jsonText(t, Plain(v))
		}
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("%q took %v", code, took)
		}
	})
}

// FuzzFastPath holds paths read without JavaScript to what JavaScript reads.
func FuzzFastPath(f *testing.F) {
	for _, s := range []string{`$json.n`, `$json["a.b"]`, `$json.arr[1]`, `$json.text.length`, `$json.values.length`, `$json.o.values`, `$input.item.json.n`,
		`$('G').item.json.n`, `$node["G"].json.o`, `$json.nul.x`, `$json['o'].x["y"]`, `$json.arr.x`, `$("G").first().json.list[0].k`, `$json[10]`, `$json.n.x`} {
		f.Add(s)
	}
	p := NewPool(Options{})
	f.Cleanup(p.Close)
	f.Fuzz(func(t *testing.T, code string) {
		if parsePath(code) == nil || strings.Contains(code, "}}") {
			return
		}
		s := p.Session()
		defer s.Close()
		sc := sampleScope(t)
		fast, err1 := s.Resolve(context.Background(), "={{"+code+"}}", 0, sc)
		slow, err2 := s.Resolve(context.Background(), "={{(()=>("+code+"))()}}", 0, sc)
		// lists of keys differ: JavaScript puts those that are numbers first
		if a, b := sorted(outcome(t, fast, err1)), sorted(outcome(t, slow, err2)); a != b {
			t.Errorf("%s: %s without JavaScript, %s with", code, a, b)
		}
	})
}

// sorted is a JSON text with the keys of its objects in order.
func sorted(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	out, _ := json.Marshal(v)
	return string(out)
}
