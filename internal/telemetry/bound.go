package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxBound bounds the time series of one metric, whatever its labels come from.
const maxBound = 2000

// bound finds the series of a set of labels without building the labels.
type bound[K comparable, V any] struct {
	mu     sync.RWMutex
	series map[K]V
	make   func(K) V
}

func bind[K comparable, V any](f func(K) V) *bound[K, V] {
	return &bound[K, V]{series: map[K]V{}, make: f}
}

// get returns the series of k; false when there are too many already.
func (b *bound[K, V]) get(k K) (V, bool) {
	b.mu.RLock()
	v, ok := b.series[k]
	b.mu.RUnlock()
	if ok {
		return v, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if v, ok = b.series[k]; ok || len(b.series) >= maxBound {
		return v, ok
	}
	v = b.make(k)
	b.series[k] = v
	return v, true
}

func observe[K comparable](b *bound[K, prometheus.Observer], k K, took time.Duration) {
	if o, ok := b.get(k); ok {
		o.Observe(took.Seconds())
	}
}

func increase[K comparable](b *bound[K, prometheus.Counter], k K) {
	if c, ok := b.get(k); ok {
		c.Inc()
	}
}
