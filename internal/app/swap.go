package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// swapName is a file that is in a data folder while a restore moves its
// content; it says what is moved.
const swapName = ".restoring"

// dataNames are the entries of a data folder that are its data. Others, such
// as a configuration or a backup, are the operator's.
func dataNames() []string {
	return append([]string{sqlite.FileName + "-wal", sqlite.FileName + "-shm", sqlite.FileName, filesFolder}, secretNames()...)
}

// swap puts unpacked data in place of what a folder holds, entry by entry,
// inside the folder: renaming the folder itself fails where it is mounted.
type swap struct {
	Unpacked string   `json:"unpacked"` // hidden folder inside, of what is to come
	Before   string   `json:"before"`   // hidden folder inside, for what was there
	Names    []string `json:"names"`    // what is to come
}

// start moves all or nothing. Should the process die meanwhile, finishSwap
// brings it to its end.
func (s *swap) start(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, s.Unpacked))
	if err != nil {
		return err
	}
	for _, e := range entries {
		s.Names = append(s.Names, e.Name())
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	marker := filepath.Join(dir, swapName)
	if err := writeSynced(marker, data); err != nil {
		return errors.Join(err, os.Remove(marker))
	}
	back, err := s.move(dir)
	for i := len(back) - 1; err != nil && i >= 0; i-- {
		if undo := os.Rename(back[i][1], back[i][0]); undo != nil {
			return fmt.Errorf("%w; run the same restore again to end it", errors.Join(err, undo)) // the marker stays
		}
	}
	if err != nil {
		_ = os.Remove(filepath.Join(dir, s.Before)) // unless there is something in it
	}
	return errors.Join(err, os.Remove(marker))
}

// move moves what has not been moved yet, and says what it moved.
func (s *swap) move(dir string) (moved [][2]string, err error) {
	unpacked, before := filepath.Join(dir, s.Unpacked), filepath.Join(dir, s.Before)
	rename := func(from, to string) error {
		err := os.Rename(from, to)
		if err == nil {
			moved = append(moved, [2]string{from, to})
		}
		return err
	}
	comes := map[string]bool{}
	for _, name := range s.Names {
		comes[name] = true
	}
	for _, name := range dataNames() {
		waits, err := exists(filepath.Join(unpacked, name))
		if err != nil {
			return moved, err
		}
		if comes[name] && !waits {
			continue // it is in place
		}
		old, err := exists(filepath.Join(dir, name))
		if err == nil && old {
			err = errors.Join(os.MkdirAll(before, 0o700), rename(filepath.Join(dir, name), filepath.Join(before, name)))
		}
		if err == nil && waits {
			err = rename(filepath.Join(unpacked, name), filepath.Join(dir, name))
		}
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// interrupted reports whether a restore into the folder has not come to its end.
func interrupted(dir string) bool {
	there, err := exists(filepath.Join(dir, swapName))
	return there || err != nil
}

// finishSwap ends what an interrupted restore began.
func finishSwap(dir string) error {
	marker := filepath.Join(dir, swapName)
	data, err := os.ReadFile(marker)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var s swap
	if err = errors.Join(err, json.Unmarshal(data, &s)); err == nil && !(filepath.IsLocal(s.Unpacked) && filepath.IsLocal(s.Before)) {
		err = errors.New("it names folders elsewhere")
	}
	if err == nil {
		_, err = s.move(dir)
	}
	if err != nil {
		return fmt.Errorf("end the interrupted restore that %s tells of: %w", marker, err)
	}
	return errors.Join(os.RemoveAll(filepath.Join(dir, s.Unpacked)), os.Remove(marker))
}

// refuseInterrupted keeps a server from making an empty database where a
// restore had moved the old one away.
func refuseInterrupted(dir string) error {
	if !interrupted(dir) {
		return nil
	}
	return workflow.Errorf(workflow.CodeConflict, "a restore into %s was interrupted; run it again: flowgate restore FILE --replace", dir)
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
