package app

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSwapIsAllOrNothing has the last of several moves fail: the folder is as
// it was.
func TestSwapIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"flowgate.db": "old", "files/ab/one": "old", "u/flowgate.db": "new", "u/files/ab/one": "new",
		"b/files/in-the-way": "x", // a folder with content is not replaced
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := swap{Unpacked: "u", Before: "b"}
	if err := s.start(dir); err == nil {
		t.Fatal("it succeeded")
	}
	expect := func(want string) {
		t.Helper()
		for _, name := range []string{"flowgate.db", "files/ab/one"} {
			if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || string(got) != want {
				t.Errorf("%s: %q %v", name, got, err)
			}
		}
		if interrupted(dir) {
			t.Error("the marker is left")
		}
	}
	expect("old")
	if err := os.RemoveAll(filepath.Join(dir, "b", "files")); err != nil {
		t.Fatal(err)
	}
	s.Names = nil
	if err := s.start(dir); err != nil {
		t.Fatal(err)
	}
	expect("new")
}
