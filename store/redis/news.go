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

// Tell tells all processes that what id names is revoked, or has changed.
func (s *Store) Tell(ctx context.Context, id string) error {
	now := time.Now()
	list := s.namespace + ":revoked"
	_, err := s.db.TxPipelined(ctx, func(p client.Pipeliner) error {
		p.ZAdd(ctx, list, client.Z{Score: float64(now.UnixMilli()), Member: id})
		p.ZRemRangeByScore(ctx, list, "-inf", strconv.FormatInt(now.Add(-remember).UnixMilli(), 10))
		p.Expire(ctx, list, 2*remember)
		p.Publish(ctx, list, id)
		return nil
	})
	return s.failed(opTell, "tell the other servers", err)
}

// Hear calls fn for each id that is told from now on, now and then more than
// once, until ctx ends. While Redis is away it hears of nothing; afterwards it
// makes up for that.
func (s *Store) Hear(ctx context.Context, fn func(id string)) {
	sub := s.db.Subscribe(ctx, s.namespace+":revoked")
	defer func() { _ = sub.Close() }()
	messages := sub.Channel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	seen := map[string]float64{}          // when each was told of last
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
func (s *Store) poll(ctx context.Context, since time.Time, seen map[string]float64, fn func(id string)) time.Time {
	now := time.Now()
	var told *client.ZSliceCmd
	_, err := s.db.Pipelined(ctx, func(p client.Pipeliner) error {
		s.remembers(ctx, p) // soon after Redis lost its memory
		told = p.ZRangeArgsWithScores(ctx, client.ZRangeArgs{Key: s.namespace + ":revoked", ByScore: true,
			Start: strconv.FormatInt(since.UnixMilli(), 10), Stop: "+inf"})
		return nil
	})
	if s.failed(opHear, "hear of revocations", err) != nil {
		return since
	}
	if len(seen) > 10000 {
		clear(seen)
	}
	for _, z := range told.Val() {
		if id, ok := z.Member.(string); ok && seen[id] != z.Score {
			seen[id] = z.Score
			fn(id)
		}
	}
	return now.Add(-time.Minute)
}
