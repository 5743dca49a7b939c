package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"
)

const (
	jwksLife    = 10 * time.Minute // a keySet's usual life
	jwksStale   = 24 * time.Hour   // how long they are used while asking fails
	jwksPause   = 15 * time.Second // least time between two questions, whatever tokens say
	jwksTimeout = 5 * time.Second
	jwksMax     = 1 << 20
)

// errProviderDown says that the identity provider could not be asked.
var errProviderDown = errors.New("the identity provider does not answer")

// keySet is a provider's public keys by their ids, fetched when they are
// needed. Safe for concurrent use.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time
	life   time.Duration // how long keys are used without asking again

	mu      sync.Mutex
	keys    map[string]publicKey
	fetched time.Time     // of keys
	asked   time.Time     // last, with or without an answer
	failed  error         // of the last time
	asking  chan struct{} // closed when the question under way is answered; nil: there is none
}

// publicKey is a key with the one algorithm it is for.
type publicKey struct {
	alg string
	key crypto.PublicKey
}

// find returns the key with the id for the algorithm; ok is false when the
// provider has none. Unknown ids make it ask again, not more often than
// jwksPause allows; old keys serve while the provider is down. Only who needs
// the answer waits for it.
func (s *keySet) find(ctx context.Context, kid, alg string) (key crypto.PublicKey, ok bool, err error) {
	if answered := s.refresh(ctx, kid); answered != nil {
		select {
		case <-answered:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known := s.keys[kid]
	switch {
	case s.keys == nil || s.now().Sub(s.fetched) > jwksStale, !known && s.failed != nil:
		return nil, false, errors.Join(errProviderDown, s.failed)
	case !known || k.alg != alg:
		return nil, false, nil
	}
	return k.key, true, nil
}

// refresh asks the provider when its keys are old or lack the id. It returns
// what to wait for, nil when the keys there are will do: those that are hardly
// too old serve meanwhile.
func (s *keySet) refresh(ctx context.Context, kid string) (answered <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	_, known := s.keys[kid]
	age := now.Sub(s.fetched)
	if s.keys != nil && known && age <= s.life {
		return nil
	}
	pause := jwksPause
	if s.keys == nil {
		pause = time.Second
	}
	if s.asking == nil && (s.asked.IsZero() || now.Sub(s.asked) >= pause) {
		s.asked, s.asking = now, make(chan struct{})
		go s.ask(ctx, now, s.asking)
	}
	if known && age <= 2*s.life || s.asking == nil {
		return nil
	}
	return s.asking
}

// ask asks the provider and tells those who wait.
func (s *keySet) ask(ctx context.Context, now time.Time, answered chan struct{}) {
	keys, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.fetched = keys, now
	}
	s.asking = nil
	close(answered)
}

// fetch asks the provider. The caller's leaving does not end the question,
// since others wait for its answer.
func (s *keySet) fetch(ctx context.Context) (map[string]publicKey, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jwksTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", s.url, resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, jwksMax))
	if err != nil {
		return nil, err
	}
	return parseKeySet(data)
}

// jwk is one key of a set, RFC 7517.
type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Use string `json:"use,omitempty"`
	Alg string `json:"alg,omitempty"`
	Crv string `json:"crv,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
}

// parseKeySet returns the keys that signatures can be checked with; others,
// symmetric ones above all, are passed over.
func parseKeySet(data []byte) (map[string]publicKey, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("the key set is not JSON: %w", err)
	}
	keys := map[string]publicKey{}
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		if p, ok := k.public(); ok && (k.Alg == "" || k.Alg == p.alg) {
			keys[k.Kid] = p
		}
	}
	return keys, nil
}

func (k jwk) public() (publicKey, bool) {
	x, n := decodeSegment(k.X), decodeSegment(k.N)
	switch {
	case k.Kty == "EC" && k.Crv == "P-256":
		y := decodeSegment(k.Y)
		if len(x) > 32 || len(y) > 32 {
			return publicKey{}, false
		}
		point := make([]byte, 65)
		point[0] = 4
		copy(point[33-len(x):], x)
		copy(point[65-len(y):], y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		return publicKey{"ES256", key}, err == nil
	case k.Kty == "OKP" && k.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize:
		return publicKey{"EdDSA", ed25519.PublicKey(x)}, true
	case k.Kty == "RSA" && len(n) >= 256:
		e := new(big.Int).SetBytes(decodeSegment(k.E))
		if !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return publicKey{}, false
		}
		return publicKey{"RS256", &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(e.Int64())}}, true
	}
	return publicKey{}, false
}

func decodeSegment(text string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}
