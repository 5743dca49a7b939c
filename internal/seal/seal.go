// Package seal keeps secrets unreadable at rest: AES-256-GCM under one of
// several keys, each with an id, so that keys can be changed without losing
// what was sealed before. A sealed text is bound to what it belongs to and
// cannot be opened elsewhere.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// format is the first byte of every sealed text. Behind it stand the length
// of the key's id, that id, a random nonce, and the ciphertext with its tag.
const format = 1

// ErrUnknownKey means that a text was sealed under a key that is not there;
// ErrDamaged that it was changed, belongs elsewhere, or never was a sealed text.
var (
	ErrUnknownKey = errors.New("sealed under a key that is not configured")
	ErrDamaged    = errors.New("not a sealed text of this place")
)

// Box seals under its first key and opens what any of its keys sealed. Safe
// for concurrent use.
type Box struct{ ring atomic.Pointer[ring] }

// ring is a set of keys.
type ring struct {
	newest string
	opens  map[string]cipher.AEAD // by fingerprint
}

// New returns a box of the keys, newest first. It fails without a key, and
// for keys of another length than KeySize.
func New(keys ...Key) (*Box, error) {
	b := &Box{}
	return b, b.Replace(keys...)
}

// Replace gives the box other keys, newest first, from now on. On an error it
// keeps those it has.
func (b *Box) Replace(keys ...Key) error {
	r, err := newRing(keys)
	if err == nil {
		b.ring.Store(r)
	}
	return err
}

func newRing(keys []Key) (*ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("no encryption key")
	}
	b := &ring{newest: keys[0].Fingerprint(), opens: map[string]cipher.AEAD{}}
	for _, k := range keys {
		if err := k.check(); err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(k.Secret)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		b.opens[k.Fingerprint()] = aead
	}
	return b, nil
}

// Keys is the number of different keys.
func (b *Box) Keys() int { return len(b.ring.Load().opens) }

// Seal returns secret unreadable, bound to place: only Open with the same
// parts of place gives it back.
func (b *Box) Seal(secret []byte, place ...string) []byte {
	r := b.ring.Load()
	out := append([]byte{format, byte(len(r.newest))}, r.newest...)
	return append(out, r.opens[r.newest].Seal(nil, nil, secret, bind(out, place))...)
}

// Open returns what Seal was given for the same place. Errors are
// ErrUnknownKey, with the key's id, and ErrDamaged.
func (b *Box) Open(sealed []byte, place ...string) ([]byte, error) {
	id, head, err := header(sealed)
	if err != nil {
		return nil, err
	}
	aead := b.ring.Load().opens[id]
	if aead == nil {
		return nil, fmt.Errorf("%w (its id is %q)", ErrUnknownKey, id)
	}
	secret, err := aead.Open(nil, nil, sealed[len(head):], bind(head, place))
	if err != nil {
		return nil, ErrDamaged
	}
	return secret, nil
}

// Newest reports whether sealed is under the newest key, so that it need not
// be sealed again.
func (b *Box) Newest(sealed []byte) bool {
	id, _, err := header(sealed)
	return err == nil && id == b.ring.Load().newest
}

// Reseal seals the same secret under the newest key.
func (b *Box) Reseal(sealed []byte, place ...string) ([]byte, error) {
	secret, err := b.Open(sealed, place...)
	if err != nil {
		return nil, err
	}
	return b.Seal(secret, place...), nil
}

func header(sealed []byte) (id string, head []byte, err error) {
	if len(sealed) < 2 || sealed[0] != format || len(sealed) < 2+int(sealed[1]) {
		return "", nil, ErrDamaged
	}
	head = sealed[: 2+int(sealed[1]) : 2+int(sealed[1])]
	return string(head[2:]), head, nil
}

// bind is the associated data: the header and each part of the place with its
// length, so that no two places look alike.
func bind(head []byte, place []string) []byte {
	out := append([]byte{}, head...)
	for _, p := range place {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p))) //nolint:gosec // ids are short
		out = append(out, p...)
	}
	return out
}
