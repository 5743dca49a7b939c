package expr

import (
	"context"
	"sync"
	"testing"
)

// TestSessionsShareNothing tries to leave something behind in a VM that the
// next session gets.
func TestSessionsShareNothing(t *testing.T) {
	p := newPool(t, Options{Size: 1})
	tries := []string{
		`Object.prototype.leak = 1`, `Array.prototype.leak = 1`, `globalThis.leak = 1`, `leak = 1`, `String.prototype.trim = () => "leak"`,
		`Object.defineProperty(Object.prototype, "leak", {value: 1})`, `Math.leak = 1`, `JSON.parse = () => "leak"`,
		`Object.assign(Object, {leak: 1})`, `Object.getPrototypeOf(async () => {}).leak = 1`, `Object.getPrototypeOf(new Map().entries()).leak = 1`,
		`(() => { const f = Object.getPrototypeOf(function* () {}); f.leak = 1 })()`, `Intl.leak = 1`, `Error.leak = 1`, `Symbol.leak = 1`,
		`(function () { this.leak = 1 })()`, `(() => { try { $("Nope") } catch (e) { Object.getPrototypeOf(e).leak = 1 } })()`,
		`DateTime.leak = 1`, `DateTime.prototype.leak = 1`, `Object.getPrototypeOf($now).toISO = () => "leak"`, `DateTime.DATE_FULL.month = "leak"`,
		`Object.getPrototypeOf($input).leak = 1`, `Object.getPrototypeOf($("G")).first = () => "leak"`, `$json.leak = 1`, `$json.o.leak = 1`,
		`$jmespath.leak = 1`, `Object.freeze(Object).keys = 1`, `Object.getPrototypeOf(/a/).leak = 1`,
		`Object.prototype.toString = () => "leak"`, `Promise.prototype.then = 1`, `Date.now = () => 5`, `Math.random = () => 5`,
		`$getWorkflowStaticData("global").leak = 1`, `$vars.leak = 1`, `$node.G.json.leak = 1`, `$execution.leak = 1`,
	}
	probe := `={{ [({}).leak, [].leak, typeof leak, " x ".trim(), JSON.parse("1"), Math.leak, Object.leak, $json.leak, $json.o.leak, ` +
		`$("G").first().json.leak, DateTime.leak, $now.toISO(), $now.toLocaleString(DateTime.DATE_FULL), String({}), Date.now(), ` +
		`$getWorkflowStaticData("global").leak, $vars.leak, Intl.leak, Error.leak, $input.leak, (() => {}).leak, /a/.leak, $now.leak] }}`
	clean := p.Session()
	want, err := clean.Resolve(context.Background(), probe, 0, sampleScope(t))
	clean.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range tries {
		bad := p.Session()
		_, _ = bad.Resolve(context.Background(), "={{ DateTime && ("+code+") }}", 0, sampleScope(t))
		bad.Close()
		next := p.Session()
		got, err := next.Resolve(context.Background(), probe, 0, sampleScope(t))
		next.Close()
		if err != nil || jsonText(t, got) != jsonText(t, want) {
			t.Errorf("after %s: %s, %v\nwant %s", code, jsonText(t, got), err, jsonText(t, want))
		}
	}
	if p.VMs() > 3 {
		t.Errorf("%d VMs were made: the tries did not meet the same one", p.VMs())
	}
}

// TestNoJobsLeftBehind looks whether a promise of one expression runs in another.
func TestNoJobsLeftBehind(t *testing.T) {
	p := newPool(t, Options{Size: 1})
	a := newSession(t, p)
	if _, err := a.Resolve(context.Background(), `={{ (async () => { await 0; await 0; $json.n = 99 })() }}`, 0, sampleScope(t)); err != nil {
		t.Fatal(err)
	}
	v, err := a.Resolve(context.Background(), `={{ $json.n + 0 }}`, 0, sampleScope(t))
	if err != nil || v != 5.0 {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestSessionsAtOnce(t *testing.T) {
	p := newPool(t, Options{Size: 2})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			s := p.Session()
			defer s.Close()
			sc := sampleScope(t)
			sc.Run = g
			for range 50 {
				v, err := s.Resolve(context.Background(), `={{ $runIndex }}/{{ $json.arr.map(x => x + $runIndex)[0] - 1 }}/{{ $now.hour }}`, 0, sc)
				if err != nil || v != numberText(float64(g))+"/"+numberText(float64(g))+"/15" {
					t.Errorf("session %d: %v, %v", g, v, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestReleaseGivesBack(t *testing.T) {
	p := newPool(t, Options{Size: 1})
	for range 5 {
		s := p.Session()
		if _, err := s.Resolve(context.Background(), `={{ 1 + 1 }}`, 0, sampleScope(t)); err != nil {
			t.Fatal(err)
		}
		s.Release()
		s.Close()
	}
	if p.VMs() != 1 {
		t.Errorf("%d VMs were made", p.VMs())
	}
}

func TestCancelledContext(t *testing.T) {
	s := newSession(t, newPool(t, Options{}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if v, err := s.Resolve(ctx, `={{ 1 + 1 }}`, 0, sampleScope(t)); err == nil {
		t.Errorf("got %v", v)
	}
}

func TestDeterminism(t *testing.T) {
	const code = `={{ [Math.random(), [1,2,3,4,5,6,7,8,9].randomItem(), Date.now(), $now.toMillis()] }}`
	var first string
	for range 2 {
		sc, _ := codeScope(t)
		s := newSession(t, newPool(t, Options{}))
		v, err := s.Resolve(context.Background(), code, 0, sc)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonText(t, v); first == "" {
			first = got
		} else if got != first {
			t.Errorf("%s, then %s", first, got)
		}
	}
}

func TestReferencedNodes(t *testing.T) {
	raw := object(t, `{"a":"={{ $('B').item.json.x }} {{ $node[\"A\"].json.y + $node.C.json }}","b":["={{ $items('D') }}","$('no')","={{ broken( }}"]}`)
	if got := ReferencedNodes(raw); jsonText(t, []any{got[0], got[1], got[2], got[3]}) != `["A","B","C","D"]` || len(got) != 4 {
		t.Errorf("got %q", got)
	}
}

func TestItemByItem(t *testing.T) {
	s := newSession(t, newPool(t, Options{}))
	sc := sampleScope(t)
	for i, want := range []float64{5, 6} {
		for _, raw := range []string{`={{ $json.n }}`, `={{ $json.n + 0 }}`, `={{ $input.item.json.n + 0 }}`, `={{ $("G").item.json.n }}`,
			`={{ $("G").item.json.n + 0 }}`, `={{ $node["G"].json.n + 0 }}`, `={{ $node["G"].json.n }}`, `={{ $itemIndex + 5 }}`} {
			if v, err := s.Resolve(context.Background(), raw, i, sc); err != nil || v != want {
				t.Errorf("%s for item %d: %v, %v", raw, i, v, err)
			}
		}
	}
}
