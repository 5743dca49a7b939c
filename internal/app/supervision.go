package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"flowgate/store"
)

// supervision is what the store keeps for managers of executions; nil where
// the backend keeps none of it.
func (c *Core) supervision() store.Supervision {
	s, _ := any(c.Store).(store.Supervision)
	return s
}

// schedules is the part of it that the service needs.
func (c *Core) schedules() store.Schedules {
	s, _ := any(c.Store).(store.Schedules)
	return s
}

// signer returns what signs the links under which executions are answered. The
// key is one for all processes of the installation.
func (c *Core) signer(ctx context.Context) (func(executionID string) string, error) {
	key, err := c.secrets.Secret(ctx, "resume_links", randomSecret)
	if err != nil {
		return nil, fmt.Errorf("load the key of resume links: %w", err)
	}
	return func(executionID string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(executionID))
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}, nil
}
