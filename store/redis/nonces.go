package redis

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

// UseNonce notes a single-use value of a scope until then; CodeConflict when it
// is noted already, by whichever process. Where Redis cannot be asked it is
// CodeUnavailable: what nobody can check is not used.
func (s *Store) UseNonce(ctx context.Context, scope, nonce string, until time.Time) error {
	ttl := time.Until(until)
	if ttl <= 0 {
		return nil // it is refused by its time
	}
	first, err := s.db.SetNX(ctx, s.key("nonce", scope, plain(nonce)), 1, ttl).Result()
	if err != nil {
		return fail("note the nonce", err)
	}
	if !first {
		return workflow.Errorf(workflow.CodeConflict, "this value was used before; make a new one for each request")
	}
	return nil
}
