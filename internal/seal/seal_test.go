package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"flowgate/internal/seal"
)

func key(id string, first byte) seal.Key {
	secret := make([]byte, seal.KeySize)
	for i := range secret {
		secret[i] = first + byte(i)
	}
	return seal.Key{ID: id, Secret: secret}
}

func box(t *testing.T, keys ...seal.Key) *seal.Box {
	t.Helper()
	b, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealedTextBelongsToItsPlace(t *testing.T) {
	t.Parallel()
	b := box(t, key("a", 1))
	secret := []byte("p4ssw0rd")
	sealed := b.Seal(secret, "ada", "1")
	if bytes.Contains(sealed, secret) || bytes.Equal(sealed, b.Seal(secret, "ada", "1")) {
		t.Fatal("the secret shows, or two seals are the same")
	}
	got, err := b.Open(sealed, "ada", "1")
	if err != nil || !bytes.Equal(got, secret) {
		t.Fatalf("got %q, %v", got, err)
	}
	for _, place := range [][]string{{"ada", "2"}, {"bob", "1"}, {"ada1", ""}, {"ad", "a1"}, {"ada"}, {"ada", "1", ""}, nil} {
		if _, err := b.Open(sealed, place...); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("opened at %q: %v", place, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x40
		if _, err := b.Open(changed, "ada", "1"); err == nil {
			t.Errorf("byte %d changed, and it opened", i)
		}
		if _, err := b.Open(sealed[:i], "ada", "1"); err == nil {
			t.Errorf("cut at %d, and it opened", i)
		}
	}
}

func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	old := box(t, key("2025", 1)).Seal([]byte("x"), "p")
	both := box(t, key("2026", 9), key("2025", 1))
	if both.Newest(old) || both.Keys() != 2 {
		t.Error("the old text counts as new")
	}
	renewed, err := both.Reseal(old, "p")
	if err != nil || !both.Newest(renewed) {
		t.Fatal(err)
	}
	onlyNew := box(t, key("renamed", 9))
	if got, err := onlyNew.Open(renewed, "p"); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := onlyNew.Open(old, "p"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("got %v", err)
	}
	if _, err := both.Reseal(old, "elsewhere"); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	a, b := key("", 1), key("", 0xf0)
	hexA, b64, raw := hex.EncodeToString(a.Secret), base64.StdEncoding.EncodeToString(b.Secret), base64.RawURLEncoding.EncodeToString(b.Secret)
	for text, ids := range map[string]string{
		hexA: a.Fingerprint(), b64: b.Fingerprint(), raw: b.Fingerprint(), " new:" + b64 + " , old:" + hexA: "new old", raw + "," + hexA: b.Fingerprint() + " " + a.Fingerprint(),
	} {
		keys, err := seal.ParseKeys(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := make([]string, len(keys))
		for i, k := range keys {
			got[i] = k.ID
		}
		if strings.Join(got, " ") != ids {
			t.Errorf("%q: got %v", text, got)
		}
	}
	for text, want := range map[string]string{
		"": "key 1 of the list is not 32 bytes", "s3cr3tshort": "not 32 bytes", hexA + ",s3cr3tshort": "key 2", "a:" + hexA + ",a:" + b64: "two keys", ":" + hexA: "empty name",
		strings.Repeat("00", 32): "one byte repeated",
	} {
		_, err := seal.ParseKeys(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if _, err := seal.New(); err == nil {
		t.Error("a box without keys")
	}
	if _, err := seal.New(seal.Key{Secret: []byte("short")}); err == nil {
		t.Error("a box with a short key")
	}
}

func TestKeyFileIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "encryption_key")
	keys := make([]string, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			f, err := seal.OpenFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			if list, err := f.Keys(); err != nil || len(list) != 1 {
				t.Errorf("%d keys, %v", len(list), err)
			} else {
				keys[i] = list[0].Fingerprint()
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Error("two keys were made")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("s3cr3t"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.OpenFile(path); err == nil || !strings.Contains(err.Error(), "restore it") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%d files, %v", len(left), err)
	}
}

// TestKeyFileIsChanged: several that change the key at once agree on one; who
// has the file open takes the new key over; a change that stopped anywhere is
// gone on with.
func TestKeyFileIsChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "encryption_key")
	open := func() *seal.File {
		f, err := seal.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	fingerprints := func() []string {
		list, err := open().Keys()
		if err != nil {
			t.Fatal(err)
		}
		out := make([]string, len(list))
		for i, k := range list {
			out[i] = k.Fingerprint()
		}
		return out
	}
	running := open()
	old := running.Box().Seal([]byte("x"), "p")
	first := fingerprints()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if n, err := open().Begin(); n != 2 || err != nil {
				t.Errorf("%d keys, %v", n, err)
			}
		})
	}
	wg.Wait()
	both := fingerprints()
	if len(both) != 2 || both[1] != first[0] {
		t.Fatalf("%v became %v", first, both)
	}
	if err := running.Look(true); err != nil || running.Box().Newest(old) {
		t.Errorf("who had it open goes on with the old key; %v", err)
	}
	renewed, err := running.Box().Reseal(old, "p")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := open().Begin(); n != 2 || err != nil { // it was not ended
		t.Errorf("%d keys, %v", n, err)
	}
	if err := open().End(); err != nil {
		t.Fatal(err)
	}
	if now := fingerprints(); len(now) != 1 || now[0] != both[0] {
		t.Errorf("%v became %v", both, now)
	}
	if got, err := open().Box().Open(renewed, "p"); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := open().Box().Open(old, "p"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("the old key is still there: %v", err)
	}
	// Stopped after the key was made, and before it was put into the file; and
	// after all but the last step.
	for name, text := range map[string]string{"made": strings.Repeat("0f1e", 16), "all but ended": ""} {
		before := fingerprints()
		if text == "" {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = string(data)
		}
		if err := os.WriteFile(path+".next", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := open().Begin(); n != 2 || err != nil {
			t.Errorf("%s: %d keys, %v", name, n, err)
		}
		if now := fingerprints(); len(now) != 2 || now[1] != before[0] || now[0] == before[0] {
			t.Errorf("%s: %v became %v", name, before, now)
		}
		if err := open().End(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}
