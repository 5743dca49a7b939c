package seal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// lookEvery is how old the knowledge of a key file may be.
const lookEvery = time.Second

// Settle is how long after a change of a key file all processes that use it
// surely seal under its newest key.
const Settle = 3 * lookEvery

// File is a file of keys, newest first, that processes share and that may get
// others while they run. Safe for concurrent use.
type File struct {
	path string
	box  *Box

	mu     sync.Mutex
	looked time.Time
	seen   os.FileInfo
}

// OpenFile reads the keys in the file, writing a random one the first time,
// readable by its owner only. Of several processes that start at once one
// writes.
func OpenFile(path string) (*File, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := linkNew(path); err != nil {
			return nil, err
		}
	}
	f := &File{path: path, box: &Box{}}
	return f, f.Look(true)
}

// Box has the file's keys, as of the last Look.
func (f *File) Box() *Box { return f.box }

// Look takes over what has changed in the file, reading it when the last look
// was more than a second ago or now is set. On an error the keys stay as they
// were.
func (f *File) Look(now bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now && time.Since(f.looked) < lookEvery {
		return nil
	}
	f.looked = time.Now()
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) {
		return nil
	}
	keys, err := readKeys(f.path)
	if err != nil {
		return err
	}
	if err := f.box.Replace(keys...); err != nil {
		return err
	}
	f.seen = info
	return nil
}

// Keys reads the keys in the file, newest first.
func (f *File) Keys() ([]Key, error) { return readKeys(f.path) }

// next is where a key waits that is about to become the newest: whoever makes
// it first decides, and the others go on with that one.
func (f *File) next() string { return f.path + ".next" }

// Begin puts a new key before the others in the file, and returns how many
// there are then. One that was begun and not ended is gone on with, in its
// place.
func (f *File) Begin() (keys int, err error) {
	list, err := f.Keys()
	if err != nil {
		return 0, err
	}
	made, err := readKeys(f.next())
	switch {
	case err == nil && len(list) == 1 && made[0].Fingerprint() == list[0].Fingerprint():
		if err := os.Remove(f.next()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err // that one ended but for this
		}
	case errors.Is(err, os.ErrNotExist) && len(list) > 1:
		return len(list), f.Look(true)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return 0, err
	}
	if err := linkNew(f.next()); err != nil {
		return 0, err
	}
	if made, err = readKeys(f.next()); err != nil {
		return 0, err
	}
	if list, err = f.Keys(); err != nil { // another one may have ended meanwhile
		return 0, err
	}
	if made[0].Fingerprint() != list[0].Fingerprint() {
		list = append(made[:1:1], list...)
		if err := writeKeys(f.path, list); err != nil {
			return 0, err
		}
	}
	return len(list), f.Look(true)
}

// End leaves the newest key alone in the file: nothing may be sealed under the
// others any more.
func (f *File) End() error {
	list, err := f.Keys()
	if err != nil {
		return err
	}
	if err := writeKeys(f.path, list[:1]); err != nil {
		return err
	}
	if err := os.Remove(f.next()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return f.Look(true)
}

// linkNew puts a random key at path unless something is there.
func linkNew(path string) error {
	secret := make([]byte, KeySize)
	rand.Read(secret) // never fails
	return put(path, hex.EncodeToString(secret)+"\n", func(tmp string) error {
		if err := os.Link(tmp, path); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		return nil
	})
}

// writeKeys replaces the file at once, so that readers find the one or the
// other.
func writeKeys(path string, keys []Key) error {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = k.Fingerprint() + ":" + hex.EncodeToString(k.Secret)
	}
	return put(path, strings.Join(texts, ",")+"\n", func(tmp string) error { return os.Rename(tmp, path) })
}

// put writes text to a file beside path, to the disk, and has it placed.
func put(path, text string, place func(tmp string) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := place(tmp.Name()); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	_ = folder.Sync() // not every system can
	return nil
}

func readKeys(path string) ([]Key, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys, err := ParseKeys(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a key: restore it from a backup, or delete it (stored credentials are then lost)", path)
	}
	return keys, nil
}
