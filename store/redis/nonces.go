package redis

import (
	"context"
	"errors"
	"strconv"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var _ store.Nonces = (*Store)(nil)

// UseNonce notes a single-use value of a scope until then; CodeConflict when it
// is noted already, by whichever process. Where Redis cannot be asked it is
// CodeUnavailable: what nobody can check is not used. So is a value that may
// have been used before this Redis began to remember, as after it lost
// everything (see Options.NonceLife).
func (s *Store) UseNonce(ctx context.Context, scope, nonce string, until time.Time) error {
	ttl := time.Until(until)
	if ttl <= 0 {
		return nil // it is refused by its time
	}
	var began *client.StringCmd
	var first *client.BoolCmd
	_, err := s.db.Pipelined(ctx, func(p client.Pipeliner) error {
		s.remembers(ctx, p)
		began = p.Get(ctx, s.beganKey())
		first = p.SetNX(ctx, s.key("nonce", scope, plain(nonce)), 1, ttl)
		return nil
	})
	if err != nil {
		return s.failed(opNonce, "note the nonce", err)
	}
	switch since, err := strconv.ParseInt(began.Val(), 10, 64); {
	case !first.Val():
		return workflow.Errorf(workflow.CodeConflict, "this value was used before; make a new one for each request")
	case err != nil:
		return s.failed(opNonce, "note the nonce", errors.New("it does not say since when it remembers"))
	case s.nonceLife > 0 && until.Add(-s.nonceLife).UnixMilli() < since:
		return workflow.Errorf(workflow.CodeUnavailable, "what was signed before the memory of used nonces began cannot be told from a replay; sign the request anew in a second")
	}
	return nil
}

func (s *Store) beganKey() string { return s.namespace + ":nonces-since" }

// beganLife is how long it is known since when nonces are remembered, after the
// last process looked: longer than any of them lives.
const beganLife = 24 * time.Hour

// remembers notes since when nonces are remembered, where that is not known.
func (s *Store) remembers(ctx context.Context, p client.Pipeliner) {
	p.SetNX(ctx, s.beganKey(), time.Now().UnixMilli(), beganLife)
	p.Expire(ctx, s.beganKey(), beganLife)
}
