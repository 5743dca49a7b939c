package expr

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// crawlRoots are expressions whose values a crawl begins at, besides the
// global object: what the realm's own objects and the date library give.
var crawlRoots = []string{
	`$now`, `$today`, `DateTime`, `Duration`, `Interval`, `$json`, `$input`, `$("G")`, `$node`, `$node.G`, `$item(0)`, `$items()`,
	`$execution`, `$workflow`, `$prevNode`, `$vars`, `$getWorkflowStaticData("global")`, `$jmespath({a: [1]}, "a")`,
	`DateTime.utc()`, `DateTime.utc().zone`, `DateTime.now().zone`, `DateTime.now().setZone("Europe/Oslo").zone`,
	`DateTime.now().setZone("UTC+3").zone`, `DateTime.now().setZone("system").zone`, `DateTime.now().setZone("nope").zone`,
	`DateTime.fromISO("2024-01-01T00:00:00+02:00", { setZone: true })`, `DateTime.fromISO("nope")`, `DateTime.invalid("why")`,
	`DateTime.now().loc`, `DateTime.now().loc.weekdays("long")`, `DateTime.now().loc.months("long")`, `DateTime.now().loc.meridiems()`,
	`DateTime.now().loc.eras("short")`, `DateTime.now().loc.getWeekSettings()`, `DateTime.now().loc.getWeekendDays()`,
	`DateTime.now().setLocale("de").loc.weekdays("long")`, `DateTime.now().setLocale("de").loc.months("short")`,
	`DateTime.now().loc.dtFormatter(DateTime.now(), { month: "long" })`, `DateTime.now().loc.dtFormatter(DateTime.now(), {}).dtf`,
	`DateTime.now().loc.numberFormatter({ padTo: 2 })`, `DateTime.now().setLocale("de").loc.numberFormatter({ padTo: 2 })`,
	`DateTime.now().loc.relFormatter({})`, `DateTime.now().loc.listFormatter({})`, `DateTime.buildFormatParser("yyyy LLL ZZ")`,
	`DateTime.fromFormatExplain("2024", "yyyy")`, `DateTime.parseFormatForOpts(DateTime.DATE_FULL)`, `DateTime.DATE_FULL`,
	`DateTime.now().diff(DateTime.utc())`, `Duration.fromMillis(5).matrix`, `Duration.fromMillis(5, { conversionAccuracy: "longterm" })`,
	`Interval.after(DateTime.now(), { days: 1 })`, `Interval.fromISO("nope")`, `Duration.fromISO("nope")`,
	`DateTime.now().toLocaleParts()`, `DateTime.now().resolvedLocaleOptions()`, `DateTime.now().toObject()`, `DateTime.now().toJSDate()`,
	`(() => { try { DateTime.fromMillis("x") } catch (e) { return e } })()`, `(() => { try { DateTime.now().startOf("x") } catch (e) { return e } })()`,
	`(() => { try { DateTime.fromObject({ weekday: 1, localWeekday: 1 }) } catch (e) { return e } })()`,
	`(() => { try { $("Nope") } catch (e) { return e } })()`, `(() => { try { null.x } catch (e) { return e } })()`,
	`new Intl.DateTimeFormat("de")`, `new Intl.NumberFormat("de").resolvedOptions()`, `new Intl.PluralRules("de")`, `new Intl.Collator("de")`,
	`[1].values()`, `"a".matchAll(/a/g)`, `new Map([[1, 1]]).entries()`, `new Set([1]).values()`, `"ab"[Symbol.iterator]()`,
	`"x".repeat(1e5)[Symbol.iterator]()`, `(function* () {})()`, `(async () => {})()`, `/a/g`, `new Date()`, `((s) => s)` + "`a${1}b`",
	`(function () { return arguments })()`, `Object(Symbol.iterator)`, `new Error("x")`, `Object.getOwnPropertyDescriptors(Object)`,
	`class_`, `Symbol.for("x").description`, `[].map.bind([])`, `(class { static x = {} })`,
}

// crawler visits every object that can be got at, hidden properties and
// prototypes included, more than an expression could.
type crawler struct {
	v     *vm
	seen  map[*goja.Object]string
	order []*goja.Object
}

const crawlLimit = 60_000

func (c *crawler) add(val goja.Value, path string) {
	obj, ok := val.(*goja.Object)
	if !ok || obj == nil || len(c.order) > crawlLimit {
		return
	}
	if _, ok := c.seen[obj]; ok {
		return
	}
	c.seen[obj] = path
	c.order = append(c.order, obj)
}

func (c *crawler) get(get func() goja.Value) (val goja.Value) {
	_ = c.v.rt.Try(func() { val = get() })
	return val
}

func (c *crawler) crawl() {
	for at := 0; at < len(c.order); at++ {
		obj := c.order[at]
		path := c.seen[obj]
		if proto := obj.Prototype(); proto != nil {
			c.add(proto, path+".[[Prototype]]")
		}
		if len(path) > 150 {
			continue // values made anew by getters of values made anew
		}
		for _, k := range obj.GetOwnPropertyNames() {
			c.add(c.get(func() goja.Value { return obj.Get(k) }), path+"."+k)
		}
		for _, k := range obj.Symbols() {
			c.add(c.get(func() goja.Value { return obj.GetSymbol(k) }), path+"["+k.String()+"]")
		}
	}
}

// taint leaves something on every object: a new property, and another value
// of every property there is.
func (c *crawler) taint() {
	for _, obj := range c.order {
		names := obj.GetOwnPropertyNames()
		for _, k := range append(names, "leak") {
			_ = c.v.rt.Try(func() { _ = obj.Set(k, "leak") })
			_ = c.v.rt.Try(func() {
				_ = obj.DefineDataProperty(k, c.v.rt.ToValue("leak"), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
			})
		}
		for _, k := range obj.Symbols() {
			_ = c.v.rt.Try(func() { _ = obj.SetSymbol(k, "leak") })
		}
		_ = c.v.rt.Try(func() { _ = obj.SetPrototype(c.v.rt.CreateObject(nil)) })
	}
}

// leaks are the places where something was left.
func (c *crawler) leaks() []string {
	var out []string
	for _, obj := range c.order {
		for _, k := range obj.GetOwnPropertyNames() {
			val := c.get(func() goja.Value { return obj.Get(k) })
			if s, ok := val.(goja.String); k == "leak" || ok && s.String() == "leak" {
				out = append(out, c.seen[obj]+"."+k)
			}
		}
	}
	return out
}

// onGraph calls f with a crawler that has visited everything, in a new session.
func onGraph(t *testing.T, p *Pool, f func(*crawler)) {
	t.Helper()
	s := p.Session()
	defer s.Close()
	c := &crawler{seen: map[*goja.Object]string{}}
	sc := sampleScope(t)
	visit := func(code string, use func(goja.Value) error) {
		tpl, err := p.template("={{ DateTime && (" + code + ") }}")
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		s.frame, s.depth = frame{sc, 0}, 1
		if err := s.script(context.Background(), tpl.parts[0].code, use); err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		s.depth = 0
	}
	for _, code := range crawlRoots {
		visit(code, func(v goja.Value) error { c.add(v, code); return nil })
	}
	visit("1", func(goja.Value) error {
		c.v = s.vm
		c.add(s.vm.rt.GlobalObject(), "globalThis")
		c.crawl()
		f(c)
		return nil
	})
}

// TestNothingStaysAnywhere changes whatever the objects of one session lead
// to, and looks for it in the next session of the same VM.
func TestNothingStaysAnywhere(t *testing.T) {
	p := newPool(t, Options{Size: 1, ExprTimeout: time.Minute, MaxHeapBytes: 4 << 30})
	onGraph(t, p, func(c *crawler) {
		t.Logf("%d objects", len(c.order))
		if len(c.order) < 1000 || len(c.order) > crawlLimit {
			t.Errorf("the crawl found %d objects", len(c.order))
		}
		c.taint()
	})
	onGraph(t, p, func(c *crawler) {
		for i, place := range c.leaks() {
			if i < 40 {
				t.Errorf("something stayed at %s", place)
			}
		}
	})
	if p.VMs() != 1 {
		t.Fatalf("%d VMs were made", p.VMs())
	}
}

// TestFormatsAreNotPoisoned lets what one session asks of the date library's
// caches differ from what its key says.
func TestFormatsAreNotPoisoned(t *testing.T) {
	p := newPool(t, Options{Size: 1})
	resolve := func(code string) any {
		s := p.Session()
		defer s.Close()
		v, err := s.Resolve(context.Background(), "={{ DateTime && ("+code+") }}", 0, sampleScope(t))
		if err != nil {
			return err
		}
		return v
	}
	probe := `[$now.toISO(), DateTime.utc().toISO(), DateTime.local(2024, 3, 5, { zone: "Asia/Tokyo" }).toISO(), $now.setZone("Europe/Oslo").toISO(), ` +
		`$now.setZone("UTC+3").toISO(), $now.toLocaleString({ month: "long" }), $now.toFormat("LLLL cccc a yyyy"), $now.setLocale("de").toFormat("LLLL"), ` +
		`Duration.fromObject({ days: 2 }).as("hours"), $now.toLocaleString(DateTime.DATE_FULL), $now.startOf("week", { useLocaleWeeks: true }).toISO()].join()`
	want := resolve(probe)
	for _, code := range []string{
		`DateTime.now().zone.offset = () => 777`, `DateTime.now().zone.stash = []`, `DateTime.utc().zone.offset = () => 777`,
		`["UTC+3", "Europe/Oslo", "Asia/Tokyo", "nope"].map(n => { DateTime.now().setZone(n).zone.offset = () => 777 })`,
		`DateTime.local(2024, 3, 5, { zone: { type: "iana", name: "Asia/Tokyo", isValid: true, isUniversal: false, offset: () => 777, offsetName: () => "x", formatOffset: () => "x", equals: () => true } }).toISO()`,
		`$now.loc.dtFormatter($now, { month: "long" }).dtf.format = () => "leak"`,
		`$now.toLocaleString({ month: { toJSON: () => "long", toString: () => "short" } })`,
		`$now.setLocale({ toJSON: () => "en-US", toString: () => "fr" }).toLocaleString({ month: "long" })`,
		`Duration.fromMillis(1).matrix.days.hours = 5`, `DateTime.DATE_FULL.month = "short"`, `$now.loc.getWeekSettings().firstDay = 3`,
		`$now.loc.weekdays("long").fill("leak")`, `$now.loc.months("long").fill("leak")`,
	} {
		resolve(code)
		if got := resolve(probe); got != want {
			t.Errorf("after %s: %v\nwant %v", code, got, want)
		}
	}
	if p.VMs() != 1 {
		t.Errorf("%d VMs were made", p.VMs())
	}
	if e, ok := want.(error); ok {
		t.Error(e)
	}
}

// TestOwnersShareNoVM looks which VMs sessions of several owners get.
func TestOwnersShareNoVM(t *testing.T) {
	p := newPool(t, Options{Size: 2})
	served := map[*vm]string{}
	use := func(owner string) {
		s := p.SessionFor(owner)
		defer s.Close()
		if _, err := s.Resolve(context.Background(), `={{ 1 + 1 }}`, 0, sampleScope(t)); err != nil {
			t.Fatal(err)
		}
		if before, ok := served[s.vm]; ok && before != owner {
			t.Errorf("a VM of %q served %q", before, owner)
		}
		served[s.vm] = owner
	}
	for i := range 12 {
		use(fmt.Sprint("owner", i%3))
		use("")
		if n := len(p.idle[false]) + len(p.idle[true]); n > 2 {
			t.Fatalf("%d VMs are idle", n)
		}
	}
	made := p.VMs()
	use("a")
	use("b")
	use("a")
	use("b")
	if got := p.VMs() - made; got != 2 {
		t.Errorf("%d VMs were made for two owners", got)
	}
	use("c") // a is longest idle
	use("b")
	if got := p.VMs() - made; got != 3 {
		t.Errorf("%d VMs were made where b's should have been kept", got)
	}
}

// TestReadyVMs looks whether owners get VMs that were made before, which
// served no one, and whether others are made instead.
func TestReadyVMs(t *testing.T) {
	p := newPool(t, Options{Ready: 1})
	p.Warm()
	p.making.Wait()
	if p.VMs() != 1 || len(p.ready[false]) != 1 {
		t.Fatalf("%d VMs were made", p.VMs())
	}
	seen := map[*vm]bool{p.ready[false][0]: true}
	for i := range 3 {
		s := p.SessionFor(fmt.Sprint("owner", i))
		if v, err := s.Resolve(context.Background(), `={{ 1 + 1 }}`, 0, sampleScope(t)); err != nil || v != 2.0 {
			t.Fatal(v, err)
		}
		if !seen[s.vm] {
			t.Errorf("owner %d got a VM that was not ready before", i)
		}
		delete(seen, s.vm)
		s.Close()
		p.making.Wait()
		seen[p.ready[false][0]] = true
	}
	if p.VMs() != 4 || len(p.ready[true]) != 0 {
		t.Errorf("%d VMs were made, %d of them with dates", p.VMs(), len(p.ready[true]))
	}
}

// TestCloseDoesNotWaitForever closes pools whose sessions are still open.
func TestCloseDoesNotWaitForever(t *testing.T) {
	p := NewPool(Options{})
	s := p.Session()
	if _, err := s.Resolve(context.Background(), `={{ 1 + 1 }}`, 0, sampleScope(t)); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	p.Close()
	if took := time.Since(started); took > closeWait/2 {
		t.Errorf("it took %v", took)
	}
	if v, err := s.Resolve(context.Background(), `={{ 1 + 1 }}`, 0, sampleScope(t)); err == nil {
		t.Errorf("got %v from a closed pool", v)
	}
	s.Close()
	s.Close()
	p.Close()
}

func TestLocaleStrings(t *testing.T) {
	s := newSession(t, newPool(t, Options{}))
	for code, want := range map[string]string{
		`$now.toLocaleString()`:                                              "3/5/2024",
		`$now.toLocaleString(DateTime.DATE_MED)`:                             "Mar 5, 2024",
		`$now.toLocaleString({month:"long"})`:                                "March",
		`$today.toLocaleString(DateTime.DATE_FULL)`:                          "March 5, 2024",
		`$now.setLocale("de").toLocaleString({month:"long", day:"numeric"})`: "5. März",
		`new Date(0).toLocaleDateString("de-DE", {timeZone: "UTC"})`:         "1.1.1970",
	} {
		if v, err := s.Resolve(context.Background(), "={{ "+code+" }}", 0, sampleScope(t)); v != want || err != nil {
			t.Errorf("%s: %#v, %v, want %s", code, v, err, want)
		}
	}
}
