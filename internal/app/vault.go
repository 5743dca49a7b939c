package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"flowgate/internal/seal"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// openVault gets the keys that credentials are sealed under: those of the
// configuration, or of a file in the data folder, which is looked at again
// while this runs.
func (c *Core) openVault(ctx context.Context) (err error) {
	if c.Config.EncryptionKey != "" {
		keys, err := seal.ParseKeys(c.Config.EncryptionKey)
		if err != nil {
			return fmt.Errorf("encryption_key: %w", err)
		}
		c.Vault.Box, err = seal.New(keys...)
		return err
	}
	if c.keyFile, err = seal.OpenFile(filepath.Join(c.Config.DataDir, "encryption_key")); err != nil {
		return fmt.Errorf("keep the key of stored credentials: %w", err)
	}
	c.Vault.Box = c.keyFile.Box()
	c.Vault.Look = func(now bool) {
		if err := c.keyFile.Look(now); err != nil {
			c.Log.WarnContext(ctx, "the file of the encryption key cannot be read any more; the keys it had stay in use", "error", err)
		}
	}
	keys, err := c.keyFile.Keys()
	if err != nil {
		return err
	}
	if len(keys) > 1 {
		c.Log.WarnContext(ctx, "a change of the encryption key was begun and has not ended; run: flowgate secrets rotate")
	}
	return c.compareSecret(ctx, "encryption_key", keys[0].Secret, "credentials stored there cannot be used here")
}

// renewSecrets seals anew, at the start of a server, what is sealed under an
// older one of several configured keys.
func (c *Core) renewSecrets(ctx context.Context) error {
	if c.keyFile != nil || c.Vault.Box.Keys() == 1 {
		return nil
	}
	r, err := c.Vault.Rotate(ctx, nil)
	if r.Renewed > 0 || r.Unopened > 0 {
		c.Log.InfoContext(ctx, "stored credentials were sealed under the newest key", "renewed", r.Renewed, "not_opened", r.Unopened)
	}
	return err
}

// SecretsRotation is what RotateSecrets came to.
type SecretsRotation struct {
	service.Rotation
	KeyMade     bool `json:"key_made"`     // a new one; else a change was gone on with
	KeysDropped int  `json:"keys_dropped"` // that nothing needs any more
	Configured  bool `json:"configured"`   // the keys are ENCRYPTION_KEY's: taking old ones out is the operator's
}

// RotateSecrets changes the key that stored secrets are sealed under, while
// servers run: a new key comes first, everything is sealed anew under it, and
// keys that nothing needs any more are dropped. It may be ended at any time and
// called again. Keys of the configuration are only sealed anew under: there
// have to be two at least. progress, if not nil, is told how far it is.
func (c *Core) RotateSecrets(ctx context.Context, progress func(done, total int)) (*SecretsRotation, error) {
	out := &SecretsRotation{Configured: c.keyFile == nil}
	if out.Configured {
		if c.Vault.Box.Keys() == 1 {
			return nil, workflow.Errorf(workflow.CodeInvalid, "encryption_key: holds one key, and a command cannot change what servers are configured with. "+
				"Put a new key (openssl rand -hex 32) and a comma before it, in all servers' ENCRYPTION_KEY, restart them one by one, and run this again; then take the old key out")
		}
	} else if err := c.beginRotation(ctx, out); err != nil {
		return nil, err
	}
	total, err := c.Vault.Count(ctx)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	if out.Rotation, err = c.Vault.Rotate(ctx, func(done int) { progress(done, max(done, total)) }); err != nil {
		return nil, err
	}
	return out, c.endRotation(ctx, out)
}

// beginRotation puts a new key into the file and waits until running servers
// seal under it.
func (c *Core) beginRotation(ctx context.Context, out *SecretsRotation) error {
	before, err := c.keyFile.Keys()
	if err != nil {
		return err
	}
	if _, err := c.keyFile.Begin(); err != nil {
		return fmt.Errorf("put a new key into the file: %w", err)
	}
	after, err := c.keyFile.Keys()
	if err != nil {
		return err
	}
	out.KeyMade = len(after) > len(before)
	if err := c.traceSecret(ctx, "encryption_key", after[0].Secret); err != nil {
		return err
	}
	select {
	case <-time.After(seal.Settle):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endRotation drops the old keys when nothing is sealed under them any more.
func (c *Core) endRotation(ctx context.Context, out *SecretsRotation) error {
	if out.Configured {
		return nil
	}
	again, err := c.Vault.Rotate(ctx, nil) // what was stored meanwhile
	if err != nil {
		return err
	}
	if again.Renewed > 0 {
		return errors.New("credentials are still stored under the earlier key, by a server that does not see the key file: " +
			"end servers of earlier versions and of other data folders, and run this again; the earlier key is kept")
	}
	keys, err := c.keyFile.Keys()
	if err != nil {
		return err
	}
	out.KeysDropped = len(keys) - 1
	return c.keyFile.End()
}
