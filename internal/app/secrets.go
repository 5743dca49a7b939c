package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"flowgate/internal/seal"
	"flowgate/store"
)

// openSecrets has the installation's own secrets, such as the key that tokens
// are signed with, sealed where the operator gave all servers api_secret_key:
// whoever reads the database, or a dump of it, can then forge nothing. Where the
// secret was made here they stay as they are: it lies beside the database, or
// other servers have another one.
func (c *Core) openSecrets() error {
	c.secrets = c.Store
	if c.Config.APISecretKey == "" {
		return nil
	}
	mac := hmac.New(sha256.New, c.pepper)
	mac.Write([]byte("flowgate secrets of the installation"))
	key := seal.Key{Secret: mac.Sum(nil)}
	box, err := seal.New(key)
	if err != nil {
		return fmt.Errorf("api_secret_key: %w", err)
	}
	c.secrets = &sealedSecrets{store: c.Store, box: box, under: hex.EncodeToString(traceOf("api_secret_key", c.pepper))}
	return nil
}

// sealedSecrets keeps secrets sealed under one key. Another key begins with
// secrets of its own.
type sealedSecrets struct {
	store store.Secrets
	box   *seal.Box
	under string // names the key
}

var _ store.Secrets = (*sealedSecrets)(nil)

// Secret is store.Secrets'. One that was kept in clear before api_secret_key
// was set is taken over.
func (s *sealedSecrets) Secret(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error) {
	clear, err := s.store.Secret(ctx, name, func() ([]byte, error) { return nil, errNoSecret })
	if err != nil && !errors.Is(err, errNoSecret) {
		return nil, err
	}
	sealed, err := s.store.Secret(ctx, "sealed_"+name+"_"+s.under, func() (_ []byte, err error) {
		if clear == nil {
			if clear, err = make(); err != nil {
				return nil, err
			}
		}
		return s.box.Seal(clear, "secret", name), nil
	})
	if err != nil {
		return nil, err
	}
	secret, err := s.box.Open(sealed, "secret", name)
	if err != nil {
		return nil, fmt.Errorf("open the secret %s: %w", name, err)
	}
	return secret, nil
}

var errNoSecret = errors.New("there is no such secret")
