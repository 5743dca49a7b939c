package auth

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	// keyCacheTTL bounds how long a revoked key can still be accepted. With the
	// second between two looks of a stream it stays below two.
	keyCacheTTL = 750 * time.Millisecond
	// keyCacheSize bounds the memory an enumeration can take.
	keyCacheSize = 4096
)

// APIKeys makes, checks and revokes API keys. Only an HMAC-SHA-256 of a
// secret, under a pepper that is not in the store, is kept; of a key that
// signs only the public half. Safe for concurrent use.
type APIKeys struct {
	// Tell has other processes forget what they know of a key.
	Tell Teller

	store      store.Keys
	nonces     store.Nonces // nil: signed requests are refused
	pepper     []byte
	configured atomic.Pointer[map[string]*workflow.Key] // by hash; nil: none
	now        func() time.Time
	life       time.Duration // of what is known of a key

	mu    sync.Mutex
	cache map[string]cachedKey
	used  map[string]time.Time
}

type cachedKey struct {
	key     *workflow.Key // nil: there is none
	fetched time.Time
}

// NewAPIKeys returns the keys of st under pepper. Where st keeps nonces, too,
// signed requests are accepted.
func NewAPIKeys(st store.Keys, pepper []byte) *APIKeys {
	nonces, _ := st.(store.Nonces)
	return &APIKeys{store: st, nonces: nonces, pepper: pepper, now: time.Now, life: keyCacheTTL,
		cache: map[string]cachedKey{}, used: map[string]time.Time{}}
}

// UseNonces has nonces of signed requests remembered elsewhere. It is called
// before anything else.
func (a *APIKeys) UseNonces(n store.Nonces) { a.nonces = n }

// NewKey describes a key to be made.
type NewKey struct {
	OwnerID       string
	ClientName    string
	Scopes        []string
	RateLimitTier string        // "" is "standard"
	ExpiresIn     time.Duration // 0: never
	Signing       bool          // signs requests instead of being sent
	AllowedIPs    []string      // addresses and ranges; none: any
}

// Create makes a key and returns it with its secret, which is shown here and
// never again: the key's text or, with Signing, the private key in PEM.
func (a *APIKeys) Create(ctx context.Context, n NewKey) (secret string, key *workflow.Key, err error) {
	if err := n.check(); err != nil {
		return "", nil, err
	}
	ranges, err := parseRanges(n.AllowedIPs)
	if err != nil {
		return "", nil, err
	}
	id := newKeyID()
	secret, hash, err := a.generate(id, n.Signing)
	if err != nil {
		return "", nil, err
	}
	key = &workflow.Key{ID: id, OwnerID: n.OwnerID, ClientName: strings.TrimSpace(n.ClientName), Hash: hash, Signing: n.Signing,
		Scopes: slices.Clone(n.Scopes), AllowedIPs: ranges, RateLimitTier: cmp.Or(n.RateLimitTier, TierStandard), Active: true, CreatedAt: a.now().UTC()}
	if n.ExpiresIn > 0 {
		key.ExpiresAt = key.CreatedAt.Add(n.ExpiresIn)
	}
	if err := a.store.CreateKey(ctx, key); err != nil {
		return "", nil, err
	}
	a.forget(id)
	return secret, key, nil
}

func (n *NewKey) check() error {
	if name := strings.TrimSpace(n.ClientName); name == "" || len(name) > 200 {
		return workflow.Errorf(workflow.CodeInvalid, "name: give the key the name of the client that will use it, of at most 200 bytes")
	}
	if n.RateLimitTier != "" && !slices.Contains(RateLimitTiers(), n.RateLimitTier) {
		return workflow.Errorf(workflow.CodeInvalid, "tier: %q is not one of %s", n.RateLimitTier, strings.Join(RateLimitTiers(), ", "))
	}
	if n.ExpiresIn < 0 {
		return workflow.Errorf(workflow.CodeInvalid, "expires: the time must be in the future")
	}
	return CheckScopes(n.Scopes)
}

// generate makes the secret of a key and what to keep of it.
func (a *APIKeys) generate(id string, signing bool) (secret string, hash []byte, err error) {
	if signing {
		return generateSigning()
	}
	secret = keyText(id)
	return secret, a.hash(secret), nil
}

// maxOverlap bounds how long a rotated key's earlier secret is good.
const maxOverlap = 30 * 24 * time.Hour

// Rotate gives a key another secret, which is returned and never shown again;
// the earlier one is good for the overlap. owner "" is the operator.
func (a *APIKeys) Rotate(ctx context.Context, owner, id string, overlap time.Duration) (secret string, key *workflow.Key, err error) {
	if overlap < 0 || overlap > maxOverlap {
		return "", nil, workflow.Errorf(workflow.CodeInvalid, "overlap: must be between 0 and %s", maxOverlap)
	}
	key, err = a.store.Key(ctx, id)
	if workflow.CodeOf(err) == workflow.CodeNotFound || err == nil && owner != "" && key.OwnerID != owner { // one answer, so that nobody learns of others' keys
		err = workflow.Errorf(workflow.CodeNotFound, "there is no key %q", id)
	}
	if err != nil {
		return "", nil, err
	}
	secret, hash, err := a.generate(id, key.Signing)
	if err != nil {
		return "", nil, err
	}
	if err := a.store.RotateKey(ctx, owner, id, hash, a.now().UTC().Add(overlap)); err != nil {
		return "", nil, err
	}
	a.changed(ctx, id)
	key, err = a.store.Key(ctx, id)
	return secret, key, err
}

// Revoke ends a key; owner "" is the operator. Within keyCacheTTL no process
// accepts it any more.
func (a *APIKeys) Revoke(ctx context.Context, owner, id string) error {
	if err := a.store.RevokeKey(ctx, owner, id, a.now().UTC()); err != nil {
		return err
	}
	a.changed(ctx, id)
	return nil
}

// changed has the key read anew, here and elsewhere.
func (a *APIKeys) changed(ctx context.Context, id string) {
	a.forget(id)
	a.Tell.tell(ctx, newsKey+id)
}

func (a *APIKeys) forget(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.cache, id)
}

// List returns the owner's keys, newest first.
func (a *APIKeys) List(ctx context.Context, owner string, page store.Page) ([]*workflow.Key, string, error) {
	return a.store.ListKeys(ctx, owner, page)
}

// Verify returns the identity behind a presented key, used from ip. Unknown,
// malformed and wrong keys take one path and give one error.
func (a *APIKeys) Verify(ctx context.Context, presented string, ip netip.Addr) (*Identity, error) {
	if len(presented) > maxCredential {
		presented = presented[:maxCredential]
	}
	sum := a.hash(presented)
	key := a.ofConfiguration(string(sum))
	id, wellFormed := parseKey(presented)
	if wellFormed && key == nil {
		var err error
		if key, err = a.lookup(ctx, id); err != nil {
			return nil, err
		}
	}
	now := a.now()
	stored, previous := make([]byte, sha256.Size), make([]byte, sha256.Size)
	if key != nil && !key.Signing {
		stored = key.Hash
		if now.Before(key.PreviousUntil) && len(key.PreviousHash) > 0 {
			previous = key.PreviousHash
		}
	}
	matches := subtle.ConstantTimeCompare(sum, stored) | subtle.ConstantTimeCompare(sum, previous)
	if matches == 0 || key == nil {
		return nil, errInvalidKey()
	}
	return a.accept(key, ip)
}

func errInvalidKey() error {
	return workflow.Errorf(workflow.CodeUnauthorized,
		"the API key is not valid; make one with: flowgate keys create").WithReason("invalid_api_key")
}

// accept lets a key in that was proved to be the caller's, if it may still be
// used, and from there.
func (a *APIKeys) accept(key *workflow.Key, ip netip.Addr) (*Identity, error) {
	if !key.RevokedAt.IsZero() {
		return nil, errInvalidKey()
	}
	if err := a.usable(key); err != nil {
		return nil, err
	}
	if !allowedFrom(key.AllowedIPs, ip) {
		return nil, workflow.Errorf(workflow.CodeForbidden, "the key may not be used from this address; its owner says from where it may").WithReason("ip_not_allowed")
	}
	if a.ofConfiguration(string(key.Hash)) == nil {
		a.mu.Lock()
		a.used[key.ID] = a.now()
		a.mu.Unlock()
	}
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

// lookup returns the stored key, nil when there is none, from memory when that
// was read a moment ago.
func (a *APIKeys) lookup(ctx context.Context, id string) (*workflow.Key, error) {
	now := a.now()
	a.mu.Lock()
	c, ok := a.cache[id]
	if ok && now.Sub(c.fetched) < a.life {
		a.mu.Unlock()
		return c.key, nil
	}
	a.mu.Unlock()
	key, err := a.store.Key(ctx, id)
	if err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
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

func newKeyID() string {
	raw := make([]byte, keyIDBytes)
	rand.Read(raw) // never fails
	return keyEncoding.EncodeToString(raw)
}

// keyText returns a new secret for the key with the id.
func keyText(id string) string {
	raw := make([]byte, keySecretBytes)
	rand.Read(raw)
	body := keyPrefix + id + "_" + keyEncoding.EncodeToString(raw)
	return body + checksum(body)
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
