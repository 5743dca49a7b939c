package expr

import "testing"

func BenchmarkVM(b *testing.B) {
	p := NewPool(Options{})
	for b.Loop() {
		newExpressionVM(p, false)
	}
}
func BenchmarkVMLuxon(b *testing.B) {
	p := NewPool(Options{})
	for b.Loop() {
		newExpressionVM(p, true)
	}
}
func BenchmarkCodeVM(b *testing.B) {
	p := NewPool(Options{})
	for b.Loop() {
		newCodeVM(p, needs{})
	}
}
