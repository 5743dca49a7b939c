package expr

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// inBothRealms runs a test with realms that hold everything, and with those of
// limited processes, which hold what the code names.
func inBothRealms(t *testing.T, opts Options, test func(*testing.T, *Pool)) {
	for name, confined := range map[string]bool{"whole": false, "named": true} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, opts)
			p.confined = confined
			test(t, p)
		})
	}
}

func TestCodeShims(t *testing.T) {
	inBothRealms(t, Options{CodeTimeout: 5 * time.Second}, testCodeShims)
}

func testCodeShims(t *testing.T, p *Pool) {
	s := newSession(t, p)
	cases := []rule{
		{`return Buffer.from("héllo").toString("base64")`, `"aMOpbGxv"`},
		{`return Buffer.from("aMOpbGxv", "base64").toString()`, `"héllo"`},
		{`return Buffer.from("hi").toString("hex") + Buffer.from("6869", "hex")`, `"6869hi"`},
		{`return Buffer.concat([Buffer.from("a"), Buffer.from("b")]).toString("utf8")`, `"ab"`},
		{`return [Buffer.byteLength("é"), Buffer.isBuffer(Buffer.alloc(2)), Buffer.alloc(2).length, Buffer.from([104, 105]).toString()]`, `[2,true,2,"hi"]`},
		{`return { b: Buffer.from("a") }`, `{"b":{"type":"Buffer","data":[97]}}`},
		{`return btoa("hi") + atob("aGk=")`, `"aGk=hi"`},
		{`const u = new URL("../x?a=1&b=2#h", "https://user:pw@h.com:8080/p/q/r"); return [u.href, u.host, u.pathname, u.searchParams.get("b"), u.hash, u.origin]`,
			`["https://user:pw@h.com:8080/p/x?a=1&b=2#h","h.com:8080","/p/x","2","#h","https://h.com:8080"]`},
		{`const u = new URL("https://h.com"); u.searchParams.set("q", "a b&c"); return u.toString()`, `"https://h.com/?q=a+b%26c"`},
		{`try { new URL("nope"); return 1 } catch (e) { return e.name }`, `"TypeError"`},
		{`return new URLSearchParams({a: 1, b: "x y"}).toString()`, `"a=1&b=x+y"`},
		{`return [...new URLSearchParams("?a=1&a=2")].length`, `2`},
		{`const a = {d: new Date(0), m: new Map([[1, {x: 1}]])}; const b = structuredClone(a); return [b.d.getTime(), b.m.get(1), b !== a]`, `[0,{"x":1},true]`},
		{`return [...new TextEncoder().encode("é")].concat(new TextDecoder().decode(new TextEncoder().encode("é")))`, `[195,169,"é"]`},
		{`return await new Promise(r => setTimeout(() => r("late"), 20))`, `"late"`},
		{`let n = 0; return await new Promise(r => { const i = setInterval(() => { if (++n === 3) { clearInterval(i); r(n) } }, 1) })`, `3`},
		{`const t = setTimeout(() => { throw 1 }, 1); clearTimeout(t); return 1`, `1`},
		{`return Promise.all([1, Promise.resolve(2)])`, `[1,2]`},
		{`return (1234.5).toLocaleString("de-DE")`, `"1.234,5"`},
		{`return new Intl.DateTimeFormat("de-DE", {dateStyle: "medium", timeZone: "UTC"}).format(new Date(0))`, `"01.01.1970"`},
		{`return DateTime.fromISO("2024-03-01").toFormat("dd.MM.yyyy")`, `"01.03.2024"`},
		{`return $now.toISO()`, `"2024-03-05T14:07:09.123Z"`},
		{`return $jmespath({a: [1, 2]}, "a[1]")`, `2`},
		{`return crypto.randomUUID().length`, `36`},
		{`const { DateTime } = require("luxon"); return DateTime.fromMillis(0).toMillis()`, `0`},
		{`const items = $input.all(); return items.length`, `2`},
		{`const item = $input.first(); return item.json.name`, `"Ann"`},
		{`total = 0; for (const i of items) total += i.json.age; return total`, `56`},
		{`var $json = 3; return $json`, `3`},
		{`items[0].json.extra = {deep: [1]}; return items`, `[{"json":{"name":"Ann","age":31,"extra":{"deep":[1]}},"pairedItem":{"item":0}},{"json":{"name":"bob","age":25},"pairedItem":{"item":0}}]`},
		{`return items === $input.all() || items[0] === $input.all()[0]`, `true`},
		{`class A extends Array {}; const a = new A(); a.push(1); return [a.length, a instanceof A, new Array(3).length, Array(2).length]`, `[1,true,3,2]`},
		{`class E extends Error { constructor(m) { super(m); this.name = "E" } }; try { throw new E("x") } catch (e) { return [e.name, e.message, e instanceof E] }`, `["E","x",true]`},
		{`Object.prototype.mine = 1; return ({}).mine`, `1`},
		{`function F(x) { this.r = RegExp("a"); this.b = (function (y) { return y }).bind(null, x)() }; const f = new F(7); return [f.r.test("a"), f.b]`, `[true,7]`},
		{`return { d: new Date(0), n: NaN, u: undefined, f() {}, i: Infinity, nested: { s: Symbol("x") === 1 } }`, `{"d":"1970-01-01T00:00:00.000Z","n":null,"i":null,"nested":{"s":false}}`},
		{`return /[^\p{L}\p{N}]/gu[Symbol.replace]("a-é 1", "")`, `"aé1"`},
		{`return "x".isEmpty === undefined`, `true`},
		{`return $evaluateExpression("{{ $json.name.toSnakeCase() }}")`, `"ann"`},
		{`return new Uint8Array([1, 2, 3]).reduce((a, b) => a + b)`, `6`},
		{`return 2n ** 10n`, `"1024"`},
		{`return null`, `null`},
		{`return Object.fromEntries(Object.entries({a: 1}).map(([k, v]) => [k + "x", v * 2]))`, `{"ax":2}`},
		{`return await (async () => { try { await Promise.reject(new Error("no")) } catch (e) { return e.message } })()`, `"no"`},
	}
	for _, c := range cases {
		sc, in := codeScope(t)
		got, err := s.Code(context.Background(), sc, CodeRequest{Source: c.raw, Mode: ModeAll, Items: in})
		if text := outcome(t, got.Value, err); text != c.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", c.raw, text, err, c.want)
		}
	}
}

func TestCodeModes(t *testing.T) { inBothRealms(t, Options{}, testCodeModes) }

func testCodeModes(t *testing.T, p *Pool) {
	s := newSession(t, p)
	cases := []struct {
		mode  string
		index int
		code  string
		want  string
	}{
		{ModeAll, 0, `return items.map(i => i.json.name)`, `["Ann","bob"]`},
		{ModeEach, 1, `return { n: $json.name, i: $itemIndex, item: item.json.age, in: $input.item.json.age }`, `{"n":"bob","i":1,"item":25,"in":25}`},
		{ModeFunction, 0, "items[0].json.k = items.length;\nreturn items;", `[{"json":{"name":"Ann","age":31,"k":2},"pairedItem":{"item":0}},{"json":{"name":"bob","age":25},"pairedItem":{"item":0}}]`},
		{ModeFunctionItem, 0, "item.up = item.name.toUpperCase();\nreturn item;", `{"name":"Ann","age":31,"up":"ANN"}`},
		{ModeFunction, 0, `const s = getWorkflowStaticData("node"); s.x = 1; return Object.keys(this.getWorkflowStaticData("node"))`, `["x"]`},
	}
	for _, c := range cases {
		sc, in := codeScope(t)
		got, err := s.Code(context.Background(), sc, CodeRequest{Source: c.code, Mode: c.mode, Items: in, Index: c.index})
		if text := outcome(t, got.Value, err); text != c.want {
			t.Errorf("%s %s\n got %s (%v)\nwant %s", c.mode, c.code, text, err, c.want)
		}
		if b := jsonText(t, in[0].JSON); b != `{"name":"Ann","age":31}` {
			t.Fatalf("the input was changed to %s", b)
		}
	}
}

func TestCodeErrors(t *testing.T) { inBothRealms(t, Options{}, testCodeErrors) }

func testCodeErrors(t *testing.T, p *Pool) {
	s := newSession(t, p)
	sc, in := codeScope(t)
	cases := []struct {
		code, name, message string
		kind                Kind
		line                int
	}{
		{"const a = 1;\nconst b = 2;\nthrow new RangeError('bad')", "RangeError", "bad", KindCode, 3},
		{"const y = null;\n\nreturn y.foo", "TypeError", "[line 3]", KindCode, 3},
		{"const f = (x) => x.a.b;\nawait 0;\nreturn [{}].map(f)", "TypeError", "[line 1]", KindCode, 1},
		{"return new Promise((ok, no) =>\n  setTimeout(() => no(new Error('late')), 1))", "Error", "late [line 2]", KindCode, 2},
		{"setTimeout(() => {\n  null.x\n}, 1);\nawait new Promise(() => {})", "TypeError", "[line 2]", KindCode, 2},
		{"\nthrow new Error('')", "Error", "[line 2]", KindCode, 2},
		{"throw 'text'", "", "text", KindCode, -1},
		{"throw {code: 5}", "", `{"code":5}`, KindCode, -1},
		{"return [\n1,\n}", "", "syntax", KindSyntax, 3},
		{"\nreturn nope.x", "ReferenceError", "nope", KindCode, 2},
		{"return $('Z').all()", "", "Z", KindReference, -1},
		{"const a = {}; a.a = a; return a", "", "itself", KindMemory, -1},
	}
	for _, c := range cases {
		_, err := s.Code(context.Background(), sc, CodeRequest{Source: c.code, Mode: ModeAll, Items: in})
		var e *Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Name != c.name || !strings.Contains(e.Message, c.message) {
			t.Errorf("%q: got %+v", c.code, err)
			continue
		}
		if c.line > 0 && e.Pos != c.line {
			t.Errorf("%q: line %d, want %d", c.code, e.Pos, c.line)
		}
	}
	res, err := s.Code(context.Background(), sc, CodeRequest{Source: "const a = 1", Mode: ModeAll, Items: in})
	if err != nil || !res.Undefined {
		t.Errorf("no return: %+v, %v", res, err)
	}
	res, err = s.Code(context.Background(), sc, CodeRequest{Source: "for (let i = 0; i < 5000; i++) console.log('line', i); throw 1", Mode: ModeAll, Items: in})
	if err == nil || len(res.Console) != maxConsoleLines+1 {
		t.Errorf("console has %d lines, %v", len(res.Console), err)
	}
}

// TestCodeLimits names functions that are bounded, which must hold in both
// kinds of realm.
func TestCodeLimits(t *testing.T) {
	inBothRealms(t, Options{CodeTimeout: time.Minute}, func(t *testing.T, p *Pool) {
		for _, c := range []struct{ code, kind string }{
			{`return "x".repeat(1e9)`, "memory"}, {`return "x".padEnd(1e9)`, "memory"}, {`const r = "rep" + "eat"; return "x"["repeat"](1e9)`, "memory"},
			{`const a = []; a.length = 4e9; return a.indexOf(1)`, "memory"}, {`const a = []; a.length = 4e9; a.forEach(() => 1)`, "memory"},
			{`const a = []; a.length = 4e9; return a.join()`, "memory"}, {`const { map } = []; return map.call({ length: 4e9 }, String)`, "memory"},
			{`const a = []; a.length = 4e9; return [].concat(a)`, "memory"}, {`const a = []; a.length = 4e9; return a.sort()`, "memory"},
			{`return Object.keys("x".repeat(1e5)).length`, "memory"}, {`return JSON.parse("[".repeat(5000) + "]".repeat(5000))`, "memory"},
			{`const a = []; a[0] = a; return JSON.stringify(a)`, "code"}, {`return "x".repeat(1.1e6).split("").length`, "memory"},
			{`return "x".repeat(1e6).replace(/x/g, "y".repeat(1e6))`, "memory"}, {`return encodeURIComponent("x".repeat(5e6)).length`, "memory"},
			{`return new RegExp("(".repeat(1e6))`, "memory"}, {`return Math.max.apply(null, { length: 4e9 })`, "memory"},
			{`return new Function("return 1")()`, "security"}, {`return (async () => {}).constructor("return 1")()`, "security"},
			{`return (function* () {}).constructor("yield 1")`, "security"}, {`return (() => {})["const" + "ructor"]("return 1")()`, "security"},
			{`return eval("1")`, "code"}, {`let o = null; for (let i = 0; i < 1e3; i++) o = Object.create(o); return o.x`, "memory"},
		} {
			sc, in := codeScope(t)
			s := newSession(t, p)
			_, err := s.Code(context.Background(), sc, CodeRequest{Source: c.code, Mode: ModeAll, Items: in})
			var e *Error
			if !errors.As(err, &e) || string(e.Kind) != c.kind {
				t.Errorf("%s: got %v, want an error of kind %s", c.code, err, c.kind)
			}
		}
	})
}

func TestStaticDataKept(t *testing.T) {
	s := newSession(t, newPool(t, Options{}))
	sc, in := codeScope(t)
	static := sc.Data.StaticData("global", "")
	static.Set("old", 1.0)
	_, err := s.Code(context.Background(), sc, CodeRequest{Mode: ModeAll, Items: in,
		Source: `const s = $getWorkflowStaticData("global"); delete s.old; s.list = [1]; $getWorkflowStaticData("global").list.push(2); return []`})
	if err != nil || jsonText(t, static) != `{"list":[1,2]}` {
		t.Errorf("static data is %s, %v", jsonText(t, static), err)
	}
	_, err = s.Code(context.Background(), sc, CodeRequest{Mode: ModeAll, Items: in, Source: `$getWorkflowStaticData("global").list = 0; throw 1`})
	if err == nil || jsonText(t, static) != `{"list":[1,2]}` {
		t.Errorf("failing code changed static data to %s", jsonText(t, static))
	}
}
