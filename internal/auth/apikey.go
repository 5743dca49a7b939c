package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// keyPrefix begins every API key: wfk_<id>_<secret><checksum>.
const keyPrefix = "wfk_"

const (
	keyIDBytes     = 10 // 16 characters
	keySecretBytes = 30 // 48 characters
	checksumBytes  = 5  // 8 characters, of which 32 bits are a CRC
	// keyCacheTTL bounds how long a revoked key can still be accepted.
	keyCacheTTL = time.Second
	// keyCacheSize bounds the memory an enumeration can take.
	keyCacheSize = 4096
)

// APIKeys makes, checks and revokes API keys. Only an HMAC-SHA-256 of a
// secret, under a pepper that is not in the store, is kept. Safe for
// concurrent use.
type APIKeys struct {
	store  store.Keys
	pepper []byte
	now    func() time.Time

	mu    sync.Mutex
	cache map[string]cachedKey
	used  map[string]time.Time
}

type cachedKey struct {
	key     *workflow.Key
	fetched time.Time
}

// NewAPIKeys returns the keys of st under pepper.
func NewAPIKeys(st store.Keys, pepper []byte) *APIKeys {
	return &APIKeys{store: st, pepper: pepper, now: time.Now,
		cache: map[string]cachedKey{}, used: map[string]time.Time{}}
}

// NewKey describes a key to be made.
type NewKey struct {
	OwnerID       string
	ClientName    string
	Scopes        []string
	RateLimitTier string        // "" is "standard"
	ExpiresIn     time.Duration // 0: never
}

// Create makes a key and returns it with its secret, which is shown here and
// never again.
func (a *APIKeys) Create(ctx context.Context, n NewKey) (secret string, key *workflow.Key, err error) {
	if strings.TrimSpace(n.ClientName) == "" {
		return "", nil, workflow.Errorf(workflow.CodeInvalid, "name: give the key the name of the client that will use it")
	}
	if err := CheckScopes(n.Scopes); err != nil {
		return "", nil, err
	}
	if n.RateLimitTier == "" {
		n.RateLimitTier = "standard"
	}
	if !slices.Contains([]string{"standard", "premium", "unlimited"}, n.RateLimitTier) {
		return "", nil, workflow.Errorf(workflow.CodeInvalid, "tier: %q is not one of standard, premium, unlimited", n.RateLimitTier)
	}
	if n.ExpiresIn < 0 {
		return "", nil, workflow.Errorf(workflow.CodeInvalid, "expires: the time must be in the future")
	}
	id, text := generateKey()
	key = &workflow.Key{ID: id, OwnerID: n.OwnerID, ClientName: n.ClientName, Hash: a.hash(text),
		Scopes: slices.Clone(n.Scopes), RateLimitTier: n.RateLimitTier, Active: true, CreatedAt: a.now().UTC()}
	if n.ExpiresIn > 0 {
		key.ExpiresAt = key.CreatedAt.Add(n.ExpiresIn)
	}
	if err := a.store.CreateKey(ctx, key); err != nil {
		return "", nil, err
	}
	return text, key, nil
}

// Revoke ends a key; owner "" is the operator. Within keyCacheTTL no process
// accepts it any more.
func (a *APIKeys) Revoke(ctx context.Context, owner, id string) error {
	if err := a.store.RevokeKey(ctx, owner, id, a.now().UTC()); err != nil {
		return err
	}
	a.mu.Lock()
	delete(a.cache, id)
	a.mu.Unlock()
	return nil
}

// List returns the owner's keys, newest first.
func (a *APIKeys) List(ctx context.Context, owner string, page store.Page) ([]*workflow.Key, string, error) {
	return a.store.ListKeys(ctx, owner, page)
}

// Verify returns the identity behind a presented key. Unknown, malformed and
// wrong keys take one path and give one error.
func (a *APIKeys) Verify(ctx context.Context, presented string) (*Identity, error) {
	id, wellFormed := parseKey(presented)
	sum := a.hash(presented)
	var key *workflow.Key
	if wellFormed {
		var err error
		if key, err = a.lookup(ctx, id); err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
			return nil, err
		}
	}
	stored := make([]byte, sha256.Size)
	if key != nil {
		stored = key.Hash
	}
	if !hmac.Equal(sum, stored) || key == nil || !key.RevokedAt.IsZero() {
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"the API key is not valid; make one with: flowgate keys create").WithReason("invalid_api_key")
	}
	if err := a.usable(key); err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.used[id] = a.now()
	a.mu.Unlock()
	return &Identity{Subject: key.OwnerID, Kind: KindAPIKey, KeyID: key.ID, ClientName: key.ClientName,
		Scopes: key.Scopes, RateLimitTier: key.RateLimitTier}, nil
}

// usable refuses a key that is over or switched off.
func (a *APIKeys) usable(key *workflow.Key) error {
	if !key.ExpiresAt.IsZero() && !a.now().Before(key.ExpiresAt) {
		return workflow.Errorf(workflow.CodeUnauthorized,
			"the API key expired on %s; make a new one with: flowgate keys create", key.ExpiresAt.Format(time.DateOnly)).WithReason("key_expired")
	}
	if !key.Active {
		return workflow.Errorf(workflow.CodeForbidden, "this client is switched off; ask the key's owner").WithReason("client_disabled")
	}
	return nil
}

// lookup returns the stored key, from memory when it was read less than
// keyCacheTTL ago.
func (a *APIKeys) lookup(ctx context.Context, id string) (*workflow.Key, error) {
	now := a.now()
	a.mu.Lock()
	c, ok := a.cache[id]
	if ok && now.Sub(c.fetched) < keyCacheTTL {
		a.mu.Unlock()
		return c.key, nil
	}
	a.mu.Unlock()
	key, err := a.store.Key(ctx, id)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	if len(a.cache) >= keyCacheSize {
		clear(a.cache)
	}
	a.cache[id] = cachedKey{key: key, fetched: now}
	a.mu.Unlock()
	return key, nil
}

// Flush writes when keys were last used. The owner of a is to call it now and
// then, and at the end.
func (a *APIKeys) Flush(ctx context.Context) error {
	a.mu.Lock()
	used := a.used
	a.used = map[string]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	return a.store.TouchKeys(ctx, used)
}

func (a *APIKeys) hash(text string) []byte {
	m := hmac.New(sha256.New, a.pepper)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// keyEncoding is lower-case base32 without look-alikes to double-click on.
var keyEncoding = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz023456789").WithPadding(base32.NoPadding)

func generateKey() (id, text string) {
	raw := make([]byte, keyIDBytes+keySecretBytes)
	rand.Read(raw) // never fails
	enc := keyEncoding
	id = enc.EncodeToString(raw[:keyIDBytes])
	body := keyPrefix + id + "_" + enc.EncodeToString(raw[keyIDBytes:])
	return id, body + checksum(body)
}

func checksum(body string) string {
	sum := make([]byte, checksumBytes)
	binary.BigEndian.PutUint32(sum[1:], crc32.ChecksumIEEE([]byte(body)))
	return keyEncoding.EncodeToString(sum)
}

// parseKey returns the id of a well-formed key: mistyped ones are refused
// without a look into the store.
func parseKey(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	idLen, tail := keyEncoding.EncodedLen(keyIDBytes), keyEncoding.EncodedLen(checksumBytes)
	want := idLen + 1 + keyEncoding.EncodedLen(keySecretBytes) + tail
	if !ok || len(rest) != want || rest[idLen] != '_' {
		return "", false
	}
	body := text[:len(text)-tail]
	return rest[:idLen], text[len(text)-tail:] == checksum(body)
}
