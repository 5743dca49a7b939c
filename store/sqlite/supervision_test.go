package sqlite_test

import (
	"path/filepath"
	"testing"

	"flowgate/store/sqlite"
	"flowgate/store/storetest"
)

func TestSupervision(t *testing.T) {
	t.Parallel()
	storetest.RunSupervision(t, func(t *testing.T) storetest.Supervised {
		return open(t, sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName)})
	})
}
