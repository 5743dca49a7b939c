package redis

import (
	"context"
	"strconv"
	"time"

	client "github.com/redis/go-redis/v9"
)

const (
	// pollEvery bounds how late a revocation is noticed whose message was lost.
	pollEvery = 500 * time.Millisecond
	// remember is how long revocations are kept for those who poll: longer
	// than any cache of theirs.
	remember = 10 * time.Minute
)

// Revoked tells all processes that the key is revoked.
func (s *Store) Revoked(ctx context.Context, id string) error {
	now := time.Now()
	list := s.namespace + ":revoked"
	_, err := s.db.TxPipelined(ctx, func(p client.Pipeliner) error {
		p.ZAdd(ctx, list, client.Z{Score: float64(now.UnixMilli()), Member: id})
		p.ZRemRangeByScore(ctx, list, "-inf", strconv.FormatInt(now.Add(-remember).UnixMilli(), 10))
		p.Expire(ctx, list, 2*remember)
		p.Publish(ctx, list, id)
		return nil
	})
	return fail("tell of the revocation", err)
}

// WatchRevoked calls fn for the id of each key that is revoked from now on, now
// and then more than once, until ctx ends. While Redis is away it hears of
// nothing; afterwards it makes up for that.
func (s *Store) WatchRevoked(ctx context.Context, fn func(id string)) {
	sub := s.db.Subscribe(ctx, s.namespace+":revoked")
	defer func() { _ = sub.Close() }()
	messages := sub.Channel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	seen := map[string]bool{}
	since := time.Now().Add(-time.Minute) // clocks differ
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-messages:
			if !ok {
				messages = nil
				continue
			}
			fn(m.Payload)
		case <-tick.C:
			since = s.poll(ctx, since, seen, fn)
		}
	}
}

// poll makes up for messages that were lost and returns from when to poll next.
func (s *Store) poll(ctx context.Context, since time.Time, seen map[string]bool, fn func(id string)) time.Time {
	now := time.Now()
	ids, err := s.db.ZRangeArgs(ctx, client.ZRangeArgs{Key: s.namespace + ":revoked", ByScore: true,
		Start: strconv.FormatInt(since.UnixMilli(), 10), Stop: "+inf"}).Result()
	if err != nil {
		return since
	}
	if len(seen) > 10000 {
		clear(seen)
	}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			fn(id)
		}
	}
	return now.Add(-time.Minute)
}
