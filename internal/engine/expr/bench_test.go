package expr

import (
	"context"
	"testing"
)

func benchResolve(b *testing.B, raw string) {
	s := newSession(b, newPool(b, Options{}))
	sc := sampleScope(b)
	for range 2 {
		if _, err := s.Resolve(context.Background(), raw, 0, sc); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = s.Resolve(context.Background(), raw, 0, sc)
	}
}

func BenchmarkPath(b *testing.B)       { benchResolve(b, `={{ $json.o.x.y }}`) }
func BenchmarkPathOfNode(b *testing.B) { benchResolve(b, `={{ $("T").item.json.t }}`) }
func BenchmarkText(b *testing.B)       { benchResolve(b, `=n is {{ $json.n }} and s is {{ $json.s }}`) }
func BenchmarkPlain(b *testing.B)      { benchResolve(b, `={{ $json.n + 1 }}`) }
func BenchmarkArrow(b *testing.B)      { benchResolve(b, `={{ $json.arr.map(x => x * 2).join("-") }}`) }
func BenchmarkMethod(b *testing.B)     { benchResolve(b, `={{ $json.s.toNumber() }}`) }
func BenchmarkObject(b *testing.B)     { benchResolve(b, `={{ ({...$json.o, z: $json.list}) }}`) }
func BenchmarkDate(b *testing.B) {
	benchResolve(b, `={{ $now.plus({days: 1}).toFormat("yyyy-LL-dd") }}`)
}
func BenchmarkRealm(b *testing.B) {
	p := newPool(b, Options{})
	for b.Loop() {
		if _, err := newExpressionVM(p, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDateRealm(b *testing.B) {
	p := newPool(b, Options{})
	for b.Loop() {
		if _, err := newExpressionVM(p, true); err != nil {
			b.Fatal(err)
		}
	}
}

func benchCode(b *testing.B, run func(*Scope, CodeRequest) (CodeResult, error)) {
	sc, _ := codeScope(b)
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = `{"id":` + numberText(float64(i)) + `,"name":"somebody","tags":["a","b"],"nested":{"x":1,"y":"two"}}`
	}
	in := items(b, texts...)
	sc.Inputs[0] = in
	req := CodeRequest{Mode: ModeAll, Items: in, Source: `return $input.all().map(i => ({ json: { id: i.json.id * 2, n: i.json.name.toUpperCase() } }))`}
	if _, err := run(sc, req); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, _ = run(sc, req)
	}
}

func BenchmarkCodeInProcess(b *testing.B) {
	s := newSession(b, newPool(b, Options{}))
	benchCode(b, func(sc *Scope, req CodeRequest) (CodeResult, error) { return s.Code(context.Background(), sc, req) })
}

func BenchmarkCodeInWorker(b *testing.B) {
	w := newWorkers(b, WorkerOptions{})
	benchCode(b, func(sc *Scope, req CodeRequest) (CodeResult, error) { return w.Code(context.Background(), sc, req) })
}
