package expr

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// peak is how much memory the process has had at most.
func peak() string {
	data, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(l, "VmHWM") {
			return l
		}
	}
	return ""
}

// attackData is an input with enough text to grow.
func attackScope(t testing.TB) *Scope {
	w := &world{doc: &workflow.Document{Nodes: []workflow.Node{{Name: "S"}}}, loc: time.UTC}
	return &Scope{Node: &w.doc.Nodes[0], Inputs: [][]workflow.Item{items(t, `{"n":5,"list":[3,1,2],"o":{"a":1}}`)}, Data: w}
}

// attacks must end soon, whatever they give; where a kind is named, with an
// error of that kind.
var attacks = []struct {
	name, code string
	kinds      string // space separated; "" means any outcome
}{
	{"endless loop", `(() => { while (true) {} })()`, "timeout"},
	{"endless getter", `({ get a() { while (true) {} } }).a`, "timeout"},
	{"endless toString in text", "=x{{ ({ toString() { while (true) {} } }) }}", "timeout"},
	{"endless toJSON", `({ toJSON() { for (;;) {} } })`, "timeout"},
	{"endless promise", `(async () => { while (true) await 0 })()`, "timeout"},
	{"endless then", `({ then: 1, x: (function f() { return Promise.resolve().then(f) })() })`, "timeout"},
	{"endless comparator", `[1,2,3].sort(() => { for (;;) {} })`, "timeout"},
	{"endless replacer", `"abc".replace(/b/, () => { for (;;) {} })`, "timeout"},
	{"endless iterator", `[...{ [Symbol.iterator]() { return { next() { return { value: 1, done: false } } } } }]`, "timeout memory"},
	{"endless generator", `Array.from((function* () { for (;;) yield 1 })())`, "timeout memory"},
	{"endless catch", `(() => { for (;;) { try { for (;;) {} } catch (e) {} finally { for (;;) {} } } })()`, "timeout"},
	{"backtracking", `/^(?=(a+)+b)/.test("a".repeat(60) + "c")`, "timeout"},
	{"backtracking backreference", `"a".repeat(60).match(/^(a|aa)+\1\1b$/)`, ""},
	{"backtracking split", `"a".repeat(40).split(/(?=(a+)+b)/)`, ""},
	{"backtracking replace", `"a".repeat(40).replace(/(?=(a+)+b)/g, "")`, ""},
	{"recursion", `(function f() { return f() + 1 })()`, "memory"},
	{"mutual recursion through natives", `(function f() { return [1].map(f) })()`, "memory"},
	{"recursion in toString", `({ toString() { return "" + this } }) + ""`, "memory"},
	{"recursion in getter", `({ get a() { return this.a } }).a`, "memory"},
	{"repeat", `"x".repeat(1e9)`, "memory"},
	{"pad", `"x".padStart(1e9, "ab")`, "memory"},
	{"doubling", `(() => { let s = "xxxxxxxxxxxxxxxx"; for (;;) s += s })()`, "memory timeout"},
	{"doubling by reduce", `Array.from({ length: 64 }).reduce((s) => s + s, "xxxxxxxx")`, "memory timeout"},
	{"template doubling", "(() => { let s = 'xxxxxxxx'; for (;;) s = `${s}${s}` })()", "memory timeout"},
	{"wide template", "(() => { let s = 'x'.repeat(8e6); return `" + strings.Repeat("${s}", 400) + "` })()", "memory timeout"},
	{"list doubling", `(() => { let a = [1]; for (;;) a = [...a, ...a] })()`, "memory timeout"},
	{"concat doubling", `(() => { let a = [1]; for (;;) a = a.concat(a) })()`, "memory timeout"},
	{"wide concat", `(() => { let a = new Array(300000).fill(0); return [].concat(a, a, a, a, a, a, a, a) })()`, "memory timeout"},
	{"long list", `new Array(1e9).fill(0)`, "memory"},
	{"long list joined", `Array(4e9).join("x")`, "memory"},
	{"array-like", `Array.from({ length: 1e9 })`, "memory"},
	{"generic method", `[].indexOf.call({ length: 2 ** 53 }, 1)`, "memory"},
	{"changing length", `(() => { let n = 0; return [].indexOf.call({ get length() { return n++ ? 2 ** 53 : 1 } }, 1) })()`, ""},
	{"inherited length", `[].indexOf.call(Object.create({ length: 2 ** 53 }), 1)`, ""},
	{"length assigned", `(() => { let a = []; a.length = 4e9; return a.indexOf(1) })()`, "memory"},
	{"length by name", `(() => { let a = [], k = "length"; a[k] = 4e9; return [...a] })()`, "memory"},
	{"length by define", `(() => { let a = []; Object.defineProperty(a, "length", { value: 4e9 }); return [...a] })()`, ""},
	{"length by assign", `(() => { let a = []; Object.assign(a, { length: 4e9 }); return [...a] })()`, ""},
	{"far index", `(() => { let a = []; a[4e9] = 1; return [...a] })()`, "memory"},
	{"far index of call", `(() => { let a = []; (() => a)()[4e9] = 1; return [...a] })()`, "memory"},
	{"destructured length", `(() => { let a = []; [a.length] = [4e9]; return [...a] })()`, "security memory"},
	{"loop target", `(() => { let a = []; for (a.length of [4e9]) {} return [...a] })()`, "security memory"},
	{"apply", `Math.max.apply(null, { length: 1e9 })`, "memory"},
	{"replaceAll", `"x".repeat(1e6).replaceAll("x", "y".repeat(1e6))`, "memory"},
	{"replace by dollar", "'x'.repeat(1e5).replace(/x/g, '$`$`$`$`')", "memory"},
	{"join", `new Array(1e6).join("x".repeat(1e6))`, "memory"},
	{"shared lists as text", `(() => { let a = [1]; for (let i = 0; i < 50; i++) a = [a, a]; return "" + a })()`, "memory timeout"},
	{"shared lists as JSON", `(() => { let a = [1]; for (let i = 0; i < 50; i++) a = [a, a]; return JSON.stringify(a) })()`, "memory timeout"},
	{"shared lists as value", `(() => { let a = [1]; for (let i = 0; i < 50; i++) a = [a, a]; return a })()`, "memory timeout"},
	{"shared lists flattened", `(() => { let a = [1]; for (let i = 0; i < 50; i++) a = [a, a]; return a.flat(Infinity) })()`, "memory timeout"},
	{"nested list as text", `(() => { let a = []; for (let i = 0; i < 200000; i++) a = [a]; return "" + a })()`, "memory timeout"},
	{"nested list as JSON", `(() => { let a = []; for (let i = 0; i < 200000; i++) a = [a]; return JSON.stringify(a) })()`, "memory timeout"},
	{"nested list as value", `(() => { let a = []; for (let i = 0; i < 200000; i++) a = [a]; return a })()`, "memory timeout"},
	{"nested list sorted", `(() => { let a = []; for (let i = 0; i < 200000; i++) a = [a]; return [a, a].sort() })()`, "memory timeout"},
	{"cycle", `(() => { let a = {}; a.a = a; return a })()`, "memory"},
	{"prototype chain", `(() => { let o = {}; for (let i = 0; i < 1e7; i++) o = Object.create(o); return o.x })()`, "memory timeout"},
	{"class chain", `(() => { let C = class {}; for (let i = 0; i < 1e7; i++) C = class extends C {}; return C.x })()`, "timeout memory"},
	{"bind chain", `(() => { let f = () => 1; for (let i = 0; i < 1e7; i++) f = f.bind(null); return f() })()`, "timeout memory"},
	{"JSON nesting", `JSON.parse("[".repeat(1e6))`, "memory"},
	{"map growth", `(() => { const m = new Map(); for (let i = 0; ; i++) m.set(i, "x" + i) })()`, "memory timeout"},
	{"object growth", `(() => { const o = {}; for (let i = 0; ; i++) o["k" + i] = i })()`, "memory timeout"},
	{"split", `"x".repeat(1.6e7).split("")`, ""},
	{"text spread", `[..."x".repeat(16e6)].length`, "memory timeout"},
	{"wide text spread", `[..."é".repeat(16e6)].length`, "memory timeout"},
	{"text to list", `Array.from("x".repeat(16e6)).length`, "memory timeout"},
	{"text to set", `new Set("x".repeat(16e6)).size`, "memory timeout"},
	{"text destructured", `(() => { const [a, ...b] = "x".repeat(16e6); return b.length })()`, "memory timeout"},
	{"text as arguments", `Math.max(..."1".repeat(16e6))`, "memory timeout"},
	{"text iterated natively", `(() => { const i = "x".repeat(16e6)[Symbol.iterator](); return [...i].length })()`, "memory timeout"},
	{"keys of text", `Object.keys("x".repeat(16e6)).length`, "memory"},
	{"values of text", `Object.values("x".repeat(16e6)).length`, "memory"},
	{"entries of text", `Object.entries("x".repeat(16e6)).length`, "memory"},
	{"entries of boxed text", `Object.entries(Object("x".repeat(16e6))).length`, "memory"},
	{"assigned text", `Object.keys(Object.assign({}, "x".repeat(8e6)))`, "memory"},
	{"names of text", `Object.getOwnPropertyNames("x".repeat(16e6)).length`, "memory"},
	{"descriptors of text", `Object.getOwnPropertyDescriptors("x".repeat(16e6)).length`, "memory"},
	{"frozen text", `Object.freeze(new String("x".repeat(16e6))).length`, "memory"},
	{"text spread as object", `Object.keys({ ..."x".repeat(16e6) }).length`, "memory"},
	{"text as rest", `(() => { const { a, ...r } = "x".repeat(16e6); return Object.keys(r).length })()`, "memory"},
	{"text as rest of a parameter", `(({ a, ...r }) => Object.keys(r).length)("x".repeat(16e6))`, "memory"},
	{"text as rest within", `(({ a: { ...r } }) => Object.keys(r).length)({ a: "x".repeat(16e6) })`, "memory"},
	{"text as assigned rest", `(() => { let r; ({ ...r } = "x".repeat(16e6)); return Object.keys(r).length })()`, "memory"},
	{"text as rest of a loop", `(() => { for (const { ...r } of ["x".repeat(16e6)]) return Object.keys(r).length })()`, "memory"},
	{"normalize", `"\uFDFA".repeat(8e6).normalize("NFKD").length`, "memory timeout"},
	{"normalize again", `"\uFDFA".repeat(9e5).normalize("NFKD").normalize("NFKC").normalize("NFD").length`, ""},
	{"upper case", `"\u0390".repeat(16e6).toUpperCase().toUpperCase().length`, "memory"},
	{"compare", `(() => { const a = "a".repeat(16e6); return a.localeCompare(a + "b") })()`, "memory"},
	{"encode", `encodeURIComponent(encodeURIComponent("\uFDFA".repeat(5e6))).length`, "memory"},
	{"matchAll", `[..."a".repeat(16e6).matchAll(/a/g)].length`, "memory timeout"},
	{"match", `"a".repeat(16e6).match(/a/g).length`, "memory timeout"},
	{"match of nothing", `"a".repeat(16e6).match(/(?:)/g).length`, "memory timeout"},
	{"match of wide text", `"é".repeat(16e6).match(/é/gu).length`, "memory timeout"},
	{"match by symbol", `/a/g[Symbol.match]("a".repeat(16e6)).length`, "memory timeout"},
	{"replace", `"a".repeat(16e6).replace(/a/g, "b").length`, "memory timeout"},
	{"replace by function", `"a".repeat(16e6).replace(/a/g, () => "b").length`, "memory timeout"},
	{"replace by symbol", `/x/g[Symbol.replace]("x".repeat(1e6), "y".repeat(1e6)).length`, "memory"},
	{"split by symbol", `/x/[Symbol.split]("x".repeat(16e6)).length`, "memory"},
	{"replace all", `"a".repeat(16e6).replaceAll("a", "b").length`, "memory timeout"},
	{"split by text", `"a".repeat(16e6).split("a").length`, "memory timeout"},
	{"JSON objects", `JSON.parse("[" + "{},".repeat(5000000) + "{}]").length`, "memory"},
	{"JSON lists", `JSON.parse("[" + "[],".repeat(5000000) + "[]]").length`, "memory"},
	{"JSON numbers", `JSON.parse("[" + "1,".repeat(7000000) + "1]").length`, "memory"},
	{"JSON by method", `("[" + "{},".repeat(5000000) + "{}]").parseJson().length`, "memory"},
	{"BigInt literal", `10n ** 1000000000n`, "security"},
	{"BigInt function", `BigInt(10) ** BigInt(1e9)`, ""},
	{"typed array", `new Uint8Array(1e10)`, ""},
	{"long regexp", `new RegExp("(".repeat(1e6) + ")".repeat(1e6))`, "memory"},
	{"regexp repeat", `new RegExp("(a{1000}){1000}").test("a")`, ""},
	{"raw", `String.raw({ raw: { length: 1e9 } })`, "memory"},
	{"constructor", `"".constructor.constructor("return 1")()`, "security"},
	{"constructor by key", `""["constructor"]["constructor"]("return 1")()`, "security"},
	{"constructor by computed key", `""["con" + "structor"]`, "security"},
	{"constructor by changing key", `(() => { let n = 0; const k = { toString() { return n++ ? "constructor" : "x" } }; return ""[k] })()`, ""},
	{"constructor destructured", `(({ constructor: C }) => C("return 1"))(() => {})`, "security"},
	{"constructor by spread", `(() => { const { ["con" + "structor"]: C } = () => {}; return C("return globalThis")() })()`, "security"},
	{"generator constructor", `Object.getPrototypeOf(function* () {}).constructor("yield 1")`, "security"},
	{"proto", `({}).__proto__`, "security"},
	{"proto literal", `({ __proto__: null })`, "security"},
	{"proto by key", `({})["__proto__"]`, "security"},
	{"function", `Function("return 1")()`, "security"},
	{"eval", `eval("1")`, "security"},
	{"indirect eval", `(0, globalThis["eval"])("1")`, ""},
	{"this", `(function () { return this.eval })()("1")`, ""},
	{"env", `$env.HOME`, "security"},
	{"helper by name", `globalThis["#extra"]("$env")`, ""},
}

// maxAttackHeap is how far the heap may grow, in MiB: the limit, what is used
// before the watcher looks, and garbage.
const maxAttackHeap = 640

// heapPeak watches the heap until the returned function is called, which
// tells how far it grew.
func heapPeak() func() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() int64 { metrics.Read(sample); return int64(sample[0].Value.Uint64()) }
	first := read()
	most := first
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			most = max(most, read())
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(stop); <-done; return most - first }
}

// attackCPU bounds the processor time an attack may take: the time limit, what
// natives take that cannot be stopped, and collecting the garbage. It does not
// depend on what else the machine does; the race detector multiplies it.
func attackCPU() time.Duration {
	if raceDetector {
		return 40 * time.Second
	}
	return 4 * time.Second
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

func TestAttacks(t *testing.T) {
	hasty := newPool(t, Options{ExprTimeout: 500 * time.Millisecond})
	patient := newPool(t, Options{ExprTimeout: 2 * time.Minute}) // for those that bounds end before the clock does
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			if raceDetector && strings.Contains(a.code, "e6") {
				t.Skip("what natives do with long texts is not for the race detector: make test runs it without")
			}
			p := hasty
			if a.kinds == "memory" || a.kinds == "security" {
				p = patient
			}
			s := newSession(t, p)
			raw := a.code
			if !IsExpression(raw) {
				raw = "={{ " + strings.ReplaceAll(a.code, "}}", "} }") + " }}"
			}
			peakHeap := heapPeak()
			started := cpuTime()
			v, err := s.Resolve(context.Background(), raw, 0, attackScope(t))
			took := cpuTime() - started
			if took > attackCPU() {
				t.Errorf("took %v of the processors", took)
			}
			heap := peakHeap() >> 20
			if heap > maxAttackHeap {
				t.Errorf("the heap grew by %d MiB", heap)
			}
			t.Logf("%v, %d MiB: %v %.60v [%s]", took, heap, err, v, peak())
			if a.kinds == "" {
				return
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %.100v and error %v, want an error of kind %s", v, err, a.kinds)
			}
			if !strings.Contains(" "+a.kinds+" ", " "+string(e.Kind)+" ") {
				t.Errorf("got kind %s (%v), want %s", e.Kind, e, a.kinds)
			}
			got, err := s.Resolve(context.Background(), "={{ $json.n + 1 }}", 0, attackScope(t))
			if got != 6.0 || err != nil {
				t.Errorf("afterwards: %v, %v", got, err)
			}
		})
	}
}
