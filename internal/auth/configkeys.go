package auth

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// configuredPrefix begins the ids under which such keys are known.
const configuredPrefix = "config:"

// ConfiguredKey is a key of the configuration (MCP_API_KEYS).
type ConfiguredKey struct {
	ID            string   `json:"-"`
	ClientName    string   `json:"client_name"`
	Scopes        []string `json:"scopes"`
	RateLimitTier string   `json:"rate_limit_tier"`
	Active        *bool    `json:"active"`
	User          string   `json:"user"`     // email of the owner; "": a workspace of its own
	KeyHash       string   `json:"key_hash"` // what flowgate keys hash prints
	Key           string   `json:"key"`      // in clear; refused in production
}

// Open says that the id itself is the key.
func (k *ConfiguredKey) Open() bool { return k.Key == "" && k.KeyHash == "" }

// ParseConfiguredKeys reads the map of id to key. Unknown fields, keys in
// clear in production, and keys without a secret outside development are
// faults; an error names each by its id.
func ParseConfiguredKeys(text, environment string) ([]ConfiguredKey, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, fmt.Errorf(`is not a JSON object such as {"ci": {"client_name": "CI", "scopes": ["tools:execute"], "key_hash": "…"}}: %w`, err)
	}
	var keys []ConfiguredKey
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		k := ConfiguredKey{ID: id}
		dec := json.NewDecoder(bytes.NewReader(entries[id]))
		dec.DisallowUnknownFields()
		err := dec.Decode(&k)
		if err == nil {
			err = k.check(environment)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%.40q: %w", id, err))
		}
		keys = append(keys, k)
	}
	return keys, errors.Join(faults...)
}

func (k *ConfiguredKey) check(environment string) error {
	hash, err := hex.DecodeString(k.KeyHash)
	switch {
	case k.ID == "":
		return errors.New("the id is empty")
	case k.Key != "" && k.KeyHash != "":
		return errors.New("set key or key_hash, not both")
	case k.KeyHash != "" && (err != nil || len(hash) != sha256.Size):
		return errors.New("key_hash is not what this prints: flowgate keys hash")
	case k.Key != "" && environment == "production":
		return errors.New("production does not take a key in clear; set key_hash to what this prints: flowgate keys hash")
	case k.Key != "" && len(k.Key) < 16 && environment != "development":
		return errors.New("key is shorter than 16 characters; make one with: openssl rand -hex 32")
	case k.Open() && environment != "development":
		return errors.New("has neither key_hash nor key; set key_hash to what this prints: flowgate keys hash")
	}
	n := NewKey{ClientName: cmp.Or(k.ClientName, k.ID), Scopes: k.Scopes, RateLimitTier: k.RateLimitTier}
	return n.check()
}

// PrepareConfigured returns what puts these keys of the configuration in the
// place of those there are; owner tells the subject a key's user has. One
// secret for two keys is a fault.
func (a *APIKeys) PrepareConfigured(keys []ConfiguredKey, owner func(email string) (string, error)) (apply func(), err error) {
	added := map[string]*workflow.Key{}
	for _, k := range keys {
		hash, _ := hex.DecodeString(k.KeyHash) // was checked
		if k.KeyHash == "" {
			hash = a.hash(cmp.Or(k.Key, k.ID))
		}
		if added[string(hash)] != nil {
			return nil, fmt.Errorf("%.40q: has the same secret as another key", k.ID)
		}
		name := k.ID
		if k.Open() { // its id is its secret
			sum := sha256.Sum256([]byte(k.ID))
			name = hex.EncodeToString(sum[:6])
		}
		subject := "key:" + name
		if k.User != "" {
			var err error
			if subject, err = owner(k.User); err != nil {
				return nil, fmt.Errorf("%.40q: user: %w", k.ID, err)
			}
		}
		added[string(hash)] = &workflow.Key{ID: configuredPrefix + name, OwnerID: subject, ClientName: cmp.Or(k.ClientName, name), Hash: hash,
			Scopes: slices.Clone(k.Scopes), RateLimitTier: cmp.Or(k.RateLimitTier, TierStandard), Active: k.Active == nil || *k.Active}
	}
	return func() { a.configured.Store(&added) }, nil
}

// ofConfiguration returns the configuration's key with the hash; nil: there is
// none.
func (a *APIKeys) ofConfiguration(hash string) *workflow.Key {
	if keys := a.configured.Load(); keys != nil {
		return (*keys)[hash]
	}
	return nil
}

// configuredByID is ofConfiguration for an id.
func (a *APIKeys) configuredByID(id string) *workflow.Key {
	if keys := a.configured.Load(); keys != nil {
		for _, k := range *keys {
			if k.ID == id {
				return k
			}
		}
	}
	return nil
}

// HashKey returns what the configuration's key_hash is for a key.
func (a *APIKeys) HashKey(key string) string { return hex.EncodeToString(a.hash(key)) }
