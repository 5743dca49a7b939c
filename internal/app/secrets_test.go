package app_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"flowgate/internal/app"
	"flowgate/internal/config"
)

// TestSecretsOfTheInstallationAreSealed: with api_secret_key the database alone
// does not tell what tokens are signed with; every server with that key finds
// the same, and what there was before the key was set stays good.
func TestSecretsOfTheInstallationAreSealed(t *testing.T) {
	t.Parallel()
	keysOf := func(folder, secret string) string {
		core, err := app.OpenCore(t.Context(), &config.Config{DataDir: folder, Environment: "development", APISecretKey: secret, EncryptionKey: strings.Repeat("0f", 31) + "00"}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer core.Close()
		keys, err := core.Issuer.JWKS()
		if err != nil {
			t.Fatal(err)
		}
		return string(keys)
	}
	one, other := strings.Repeat("one secret ", 4), strings.Repeat("another one ", 4)
	folder := t.TempDir()
	first := keysOf(folder, one)
	if again := keysOf(folder, one); again != first {
		t.Error("a second server signs with another key")
	}
	if keysOf(folder, other) == first {
		t.Error("another api_secret_key opens what was sealed under the first")
	}
	before := t.TempDir()
	if was := keysOf(before, ""); keysOf(before, one) != was {
		t.Error("tokens are not good any more once api_secret_key is set")
	}

	db, err := sql.Open("sqlite", filepath.Join(folder, "flowgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name, value FROM secrets")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	sealed := 0
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "sealed_issuer_es256_") {
			sealed++
		}
		if name == "issuer_es256" || bytes.Contains(value, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d}) { // the object id of every key on a curve
			t.Errorf("%s is there in clear", name)
		}
	}
	if err := rows.Err(); err != nil || sealed != 2 {
		t.Errorf("%d sealed keys: %v", sealed, err)
	}
}
