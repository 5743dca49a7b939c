package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// TestSecretsAreRotatedWhileAServerRuns kills a change of the key midway, goes
// on with it, and ends it, while a server opens and stores credentials: none is
// lost, and at last the earlier key is gone.
func TestSecretsAreRotatedWhileAServerRuns(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		settings := map[string]string{"data_dir": b.folder}
		env := cleanEnv()
		if b.url != "" {
			settings["database_url"] = b.url
			env = append(env, "DATABASE_URL="+b.url)
		}
		g := newGateway(t, false, settings)
		u, err := g.User(t.Context(), "ann@example.org")
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := g.Issuer.UserToken(u, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		ann := &matrixCaller{at: g, header: bearer(token)}
		stored := 0
		add := func(n int) {
			for range n {
				stored++
				r := ann.send(t, "POST", "/api/app/credentials", fmt.Sprintf(`{"name":"c%d","type":"httpHeaderAuth","values":{"name":"X-Key","value":"secret %d"}}`, stored, stored))
				if r.status >= 300 {
					t.Fatalf("%d %s", r.status, r.body)
				}
			}
		}
		allOpen := func(when string) {
			t.Helper()
			for i := 1; i <= stored; i++ {
				v, err := g.Vault.Fields(t.Context(), u.ID, "httpHeaderAuth", workflow.CredentialRef{Name: fmt.Sprintf("c%d", i)})
				if err != nil || v["value"] != fmt.Sprintf("secret %d", i) {
					t.Fatalf("%s: c%d gives %v, %v", when, i, v, err)
				}
			}
		}
		file := filepath.Join(b.folder, "encryption_key")
		keys := func() int {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(data), ",") + 1
		}
		rotate := func() *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), binary(t), "secrets", "rotate", "--json", "--data-dir", b.folder)
			cmd.Dir, cmd.Env = t.TempDir(), env
			return cmd
		}
		add(40)
		killed := rotate()
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "there are two keys", func() bool { return keys() == 2 })
		_ = killed.Process.Kill()
		_ = killed.Wait()
		if n := keys(); n != 2 {
			t.Fatalf("killed midway, it leaves %d keys", n)
		}
		allOpen("after it was killed")
		add(5)

		half, cancel := context.WithCancel(t.Context())
		_, err = g.RotateSecrets(half, func(done, total int) {
			if total != 45 {
				t.Errorf("%d of %d", done, total)
			}
			if done == 20 {
				cancel()
			}
		})
		if err == nil {
			t.Error("ended in the middle, it says that all is done")
		}
		if n := keys(); n != 2 {
			t.Fatalf("ended in the middle, it leaves %d keys", n)
		}
		allOpen("when half is sealed anew")

		out, err := rotate().Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var said struct {
			Total, Renewed int
			NotOpened      int  `json:"not_opened"`
			KeyMade        bool `json:"key_made"`
			KeysDropped    int  `json:"keys_dropped"`
		}
		if err := json.Unmarshal(out, &said); err != nil || said.Total != 45 || said.Renewed < 20 || said.Renewed > 40 || said.NotOpened != 0 || said.KeyMade || said.KeysDropped != 1 {
			t.Errorf("it went on with %s, %v", out, err)
		}
		if n := keys(); n != 1 {
			t.Errorf("at the end there are %d keys", n)
		}
		allOpen("afterwards")
		add(1)
		other := newGateway(t, false, settings) // which has never seen the earlier key
		if v, err := other.Vault.Fields(t.Context(), u.ID, "httpHeaderAuth", workflow.CredentialRef{Name: "c46"}); err != nil || v["value"] != "secret 46" {
			t.Errorf("a server that starts afterwards: %v, %v", v, err)
		}
		if v, err := other.Vault.Fields(t.Context(), u.ID, "httpHeaderAuth", workflow.CredentialRef{Name: "c1"}); err != nil || v["value"] != "secret 1" {
			t.Errorf("of the first credential: %v, %v", v, err)
		}
	})
}
