package redis

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/store"
)

//go:embed take.lua
var takeSource string

var take = client.NewScript(takeSource)

var _ store.Counters = (*Store)(nil)

// Take counts one call against all rules or none, by Redis's own clock, in one
// script, so that no other caller comes in between.
func (s *Store) Take(ctx context.Context, strategy store.Strategy, subject string, rules []store.CounterRule) ([]store.CounterState, int, error) {
	steps := 1
	if strategy != store.FixedWindow {
		steps = store.WindowSteps + 1
	}
	keys := make([]string, len(rules))
	args := make([]any, 0, 1+2*len(rules))
	args = append(args, steps)
	for i, r := range rules {
		keys[i] = s.key("limit", subject, r.Name+":"+strconv.FormatInt(int64(r.Window/time.Second), 10)+":"+strconv.Itoa(steps))
		args = append(args, r.Limit, r.Window.Microseconds())
	}
	out, err := take.Run(ctx, s.db, keys, args...).Int64Slice()
	if err != nil {
		return nil, -1, s.failed(opCount, "count the call", err)
	}
	if len(out) != 1+2*len(rules) {
		return nil, -1, s.failed(opCount, "count the call", errors.New("Redis answered something else"))
	}
	states := make([]store.CounterState, len(rules))
	for i := range rules {
		states[i] = store.CounterState{Remaining: max(rules[i].Limit-out[1+2*i], 0), Reset: time.Duration(out[2+2*i]) * time.Microsecond}
	}
	return states, int(out[0]) - 1, nil
}
