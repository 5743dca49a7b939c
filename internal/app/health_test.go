package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/internal/config"
	"flowgate/web"
)

func TestHealthIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &Core{Config: &config.Config{HealthCheckEnabled: true}}
		var asked atomic.Int32
		stuck := make(chan struct{})
		c.Watches("database", func(context.Context) error { return nil })
		c.Watches("redis", func(context.Context) error { return errors.New("away") })
		c.Watches("grpc", func(context.Context) error { asked.Add(1); <-stuck; return nil }) // heeds no context
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if h := c.Health(ctx); h != (web.Health{Database: web.CheckUp, Redis: web.CheckDown, Agent: web.CheckDown}) {
				t.Errorf("got %+v", h)
			}
			cancel()
		}
		if asked.Load() != 1 {
			t.Errorf("what does not answer was asked %d times", asked.Load())
		}
		close(stuck)
		synctest.Wait()
		if h := c.Health(t.Context()); h.Agent != web.CheckUp {
			t.Errorf("got %+v", h)
		}
		slow := &Component{Ask: func(context.Context) error { time.Sleep(time.Second); return nil }}
		var all sync.WaitGroup
		for range 3 { // who asks at the same time gets the same answer
			all.Go(func() {
				if got := slow.state(t.Context()); got != web.CheckUp {
					t.Errorf("got %v", got)
				}
			})
		}
		all.Wait()
		c.Config.HealthCheckEnabled = false
		if h := c.Health(t.Context()); h != (web.Health{}) {
			t.Errorf("switched off: %+v", h)
		}
	})
}
