package app

import (
	"context"
	"time"

	"flowgate/internal/service"
	"flowgate/web"
)

// operator is what the role admin may look at.
func (a *App) operator() service.Operator {
	return service.Operator{Version: Version, Started: time.Now(), Errors: a.errors, Limits: a.limitsInForce, Health: func(ctx context.Context) map[string]string {
		h := a.Health(ctx)
		return map[string]string{"database": stateOf(h.Database), "redis": stateOf(h.Redis), "agent": stateOf(h.Agent),
			"supabase_rest": stateOf(h.REST), "supabase_storage": stateOf(h.Files)}
	}}
}

func stateOf(c web.Check) string {
	switch c {
	case web.CheckUp:
		return "up"
	case web.CheckDown:
		return "down"
	}
	return "off"
}
