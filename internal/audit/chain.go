package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"

	"flowgate/store"
)

// keys are what entries are chained and arguments hashed with, made of one
// secret of the operator's that is not in the store: who can write the store's
// tables cannot make a chain that verifies.
type keys struct{ chain, arguments []byte }

func newKeys(secret []byte) keys {
	derive := func(use string) []byte {
		m := hmac.New(sha256.New, secret)
		m.Write([]byte("flowgate audit " + use))
		return m.Sum(nil)
	}
	return keys{chain: derive("chain"), arguments: derive("arguments")}
}

// print tells one secret from another, and nothing about it.
func (k keys) print() string {
	m := hmac.New(sha256.New, k.chain)
	m.Write([]byte("print"))
	return hex.EncodeToString(m.Sum(nil)[:4])
}

// newChain names a chain: the print of its key, and chance.
func (k keys) newChain() string { return k.print() + "-" + strings.ToLower(rand.Text()[:16]) }

// ours reports whether the chain was made with this key.
func (k keys) ours(chain string) bool {
	name, _, _ := strings.Cut(chain, "-")
	return name == k.print()
}

// linker computes the hashes of one chain, one after the other.
type linker struct {
	mac hash.Hash
	buf []byte
}

func newLinker(k keys) *linker { return &linker{mac: hmac.New(sha256.New, k.chain)} }

// genesis is what the first entry of a chain follows.
func (l *linker) genesis(chain string) []byte { return l.sum("genesis", chain, 0, nil) }

// sign makes a mark of a place and its hash, as an anchor or a head.
func (l *linker) sign(use, chain string, seq int64, hash []byte) store.AuditMark {
	return store.AuditMark{Seq: seq, Hash: hash, MAC: l.sum(use, chain, seq, hash)}
}

// signed reports whether m was made by sign.
func (l *linker) signed(use, chain string, m store.AuditMark) bool {
	return hmac.Equal(m.MAC, l.sum(use, chain, m.Seq, m.Hash))
}

func (l *linker) sum(use, chain string, seq int64, hash []byte) []byte {
	l.buf = appendText(l.buf[:0], use, chain)
	l.buf = binary.BigEndian.AppendUint64(l.buf, uint64(seq))
	l.buf = append(l.buf, hash...)
	l.mac.Reset()
	l.mac.Write(l.buf)
	return l.mac.Sum(nil)
}

// link is the hash of c behind a chunk with the hash before.
func (l *linker) link(before []byte, c *store.AuditChunk) []byte {
	b := append(l.buf[:0], before...)
	b = appendText(b, c.Chain, c.Subject)
	for _, n := range []int64{c.Seq, c.FirstAt.UnixMicro(), c.LastAt.UnixMicro(), int64(len(c.Entries))} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	l.buf = b
	l.mac.Reset()
	l.mac.Write(b)
	l.mac.Write(c.Entries)
	return l.mac.Sum(nil)
}

// appendText adds texts such that no two lists of them look the same.
func appendText(b []byte, texts ...string) []byte {
	for _, t := range texts {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	return b
}
