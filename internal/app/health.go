package app

import (
	"context"
	"sync"
	"sync/atomic"

	"flowgate/web"
)

// Component is something the server depends on and can ask how it is.
type Component struct {
	Name string // as health has it: database, redis, grpc
	Ask  func(ctx context.Context) error

	asking atomic.Bool
}

// Watches adds a component to those that health tells of.
func (c *Core) Watches(name string, ask func(ctx context.Context) error) {
	c.components = append(c.components, &Component{Name: name, Ask: ask})
}

// Health asks all components at once. One that does not answer until ctx ends
// counts as down, and is not asked again before it has answered.
func (c *Core) Health(ctx context.Context) web.Health {
	var h web.Health
	if !c.Config.HealthCheckEnabled {
		return h
	}
	states := make([]web.Check, len(c.components))
	var all sync.WaitGroup
	for i, component := range c.components {
		all.Go(func() { states[i] = component.state(ctx) })
	}
	all.Wait()
	for i, component := range c.components {
		c.Metrics.Component(component.Name, states[i] == web.CheckUp)
		switch component.Name {
		case "database":
			h.Database = states[i]
		case "redis":
			h.Redis = states[i]
		case "grpc":
			h.Agent = states[i]
		}
	}
	return h
}

func (c *Component) state(ctx context.Context) web.Check {
	if !c.asking.CompareAndSwap(false, true) {
		return web.CheckDown
	}
	answer := make(chan error, 1)
	go func() { // ends with Ask, which may take longer than anybody waits
		defer c.asking.Store(false)
		answer <- c.Ask(ctx)
	}()
	select {
	case err := <-answer:
		if err == nil {
			return web.CheckUp
		}
	case <-ctx.Done():
	}
	return web.CheckDown
}
