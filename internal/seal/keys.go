package seal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key is one key. ID is the name people give it; sealed texts carry the
// fingerprint, so that a key may be renamed.
type Key struct {
	ID     string
	Secret []byte // KeySize bytes
}

// Fingerprint tells keys apart without telling anything of them.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(append([]byte("flowgate key id\x00"), k.Secret...))
	return hex.EncodeToString(sum[:6])
}

func (k Key) check() error {
	if len(k.Secret) != KeySize {
		return fmt.Errorf("key %q has %d bytes instead of %d; make one with: openssl rand -hex 32", k.ID, len(k.Secret), KeySize)
	}
	if strings.Count(string(k.Secret), string(k.Secret[:1])) == KeySize {
		return fmt.Errorf("key %q is one byte repeated; make one with: openssl rand -hex 32", k.ID)
	}
	return nil
}

// ParseKeys reads one key, or a list with commas, the newest first: each 32
// bytes in hex or base64, with or without a name and a colon before it, such
// as "2026:<new>,2025:<old>". An error never repeats a key.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	names := map[string]bool{}
	for i, part := range strings.Split(text, ",") {
		name, secret, named := strings.Cut(strings.TrimSpace(part), ":")
		if !named {
			name, secret = "", name
		}
		k := Key{ID: strings.TrimSpace(name), Secret: decode(strings.TrimSpace(secret))}
		switch {
		case named && k.ID == "":
			return nil, fmt.Errorf("key %d of the list has an empty name before its colon", i+1)
		case k.Secret == nil:
			return nil, fmt.Errorf("key %d of the list is not %d bytes in hex or base64; make one with: openssl rand -hex 32", i+1, KeySize)
		case k.ID == "":
			k.ID = k.Fingerprint()
		}
		if err := k.check(); err != nil {
			return nil, err
		}
		if names[k.ID] {
			return nil, fmt.Errorf("two keys of the list are named %q", k.ID)
		}
		names[k.ID] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// decode returns the KeySize bytes that text stands for, nil when it stands
// for none.
func decode(text string) []byte {
	for _, f := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString} {
		if secret, err := f(text); err == nil && len(secret) == KeySize {
			return secret
		}
	}
	return nil
}
