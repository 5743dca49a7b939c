package durable

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkRun starts runs, 16 at a time, waits for each to be recorded as
// ended, and forgets them in batches, as the engine does.
func BenchmarkRun(b *testing.B) {
	for _, backend := range []string{"sqlite", "postgres"} {
		for _, steps := range []int{0, 1} {
			b.Run(fmt.Sprintf("%s/steps=%d", backend, steps), func(b *testing.B) {
				url := filepath.Join(b.TempDir(), "flowgate.db")
				if backend == "postgres" {
					url = newPostgres(b)
				}
				benchRun(b, newWorld(b, url), steps, 16)
			})
		}
	}
}

func benchRun(b *testing.B, w *world, steps, width int) {
	var done sync.Map
	rt, err := Open(b.Context(), w.options(func(r *Run) error {
		for i := range steps {
			if _, err := r.Step(fmt.Sprint("step ", i), func(context.Context) ([]byte, error) { return []byte(`{"ok":true}`), nil }); err != nil {
				return err
			}
		}
		ch, _ := done.Load(r.ID())
		close(ch.(chan struct{}))
		return nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	ids := make(chan string)
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	b.ResetTimer()
	for range width {
		wg.Go(func() {
			var ended []string
			for id := range ids {
				begin := time.Now()
				ch := make(chan struct{})
				done.Store(id, ch)
				if err := rt.Start(context.Background(), id); err != nil {
					b.Error(err)
					return
				}
				<-ch
				mu.Lock()
				took = append(took, time.Since(begin))
				mu.Unlock()
				if ended = append(ended, id); len(ended) == 100 {
					_ = rt.Forget(context.Background(), ended...)
					ended = ended[:0]
				}
			}
		})
	}
	for i := range b.N {
		ids <- fmt.Sprint("run-", i)
	}
	close(ids)
	wg.Wait()
	if err := rt.Close(context.Background()); err != nil {
		b.Error(err)
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50_ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99_ms")
}
