package app

import (
	"context"
	"sync"

	"flowgate/web"
)

// Component is something the server depends on and can ask how it is.
type Component struct {
	Name string // as health has it: database, redis, grpc, supabase_rest, supabase_storage
	Ask  func(ctx context.Context) error

	mu     sync.Mutex
	asking *question // under way; nil when none is
}

// question is one time a component was asked, for all who want to know meanwhile.
type question struct {
	answered chan struct{}
	err      error // valid once answered
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
		case "supabase_rest":
			h.REST = states[i]
		case "supabase_storage":
			h.Files = states[i]
		}
	}
	return h
}

func (c *Component) state(ctx context.Context) web.Check {
	q := c.ask(ctx)
	select {
	case <-q.answered:
		if q.err == nil {
			return web.CheckUp
		}
	case <-ctx.Done():
	}
	return web.CheckDown
}

// ask asks the component, unless somebody is asking it.
func (c *Component) ask(ctx context.Context) *question {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asking != nil {
		return c.asking
	}
	q := &question{answered: make(chan struct{})}
	c.asking = q
	go func() { // ends with Ask, which may take longer than anybody waits
		q.err = c.Ask(ctx)
		c.mu.Lock()
		c.asking = nil
		c.mu.Unlock()
		close(q.answered)
	}()
	return q
}
