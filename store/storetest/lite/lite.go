// Package lite starts a server that speaks as a Supabase project does (its REST
// interface, its Auth and its Storage), on a PostgreSQL that is there, for tests.
package lite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Server is a running one.
type Server struct {
	URL       string
	Anon      string // the public key
	Service   string // the secret key, which row-level security does not bind
	JWTSecret string
}

// ready is how long a server may take to answer on a busy machine.
const ready = 2 * time.Minute

// Start runs a server for the schemas of a database until the test ends. It
// skips loudly where npm is missing, which CI must have. It grants anon,
// authenticated and service_role everything on the tables of the schemas.
func Start(t testing.TB, database string, schemas ...string) *Server {
	t.Helper()
	modules, err := install(t)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Anon: "sb_publishable_" + strings.Repeat("a1B2", 8), Service: "sb_secret_" + strings.Repeat("c3D4", 8),
		JWTSecret: "an HS256 secret for tests which nobody else uses"}
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "supabase"), 0o700); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = ""
	for range 5 { // somebody else may take the port first
		var done bool
		if done, err = s.run(t, folder, modules, u.String(), schemas); done {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

func (s *Server) run(t testing.TB, folder, modules, database string, schemas []string) (done bool, err error) {
	t.Helper()
	port, err := freePort(t.Context())
	if err != nil {
		return false, err
	}
	config := fmt.Sprintf("[api]\nport = %d\nschemas = [\"public\", \"%s\"]\n[db]\ndriver = \"postgres\"\nurl = %q\n[auth]\nenabled = true\nenable_signup = true\njwt_secret = %q\njwt_expiry = 3600\npublishable_key = %q\nsecret_key = %q\n[auth.email]\nenable_confirmations = false\n[storage]\nenabled = true\nfile_size_limit = \"8MiB\"\n",
		port, strings.Join(schemas, `", "`), database, s.JWTSecret, s.Anon, s.Service)
	if err := os.WriteFile(filepath.Join(folder, "supabase", "config.toml"), []byte(config), 0o600); err != nil {
		return false, err
	}
	var out bytes.Buffer
	cmd := exec.Command("node", filepath.Join(modules, "@supabase", "lite", "dist", "cli", "index.js"), "start", "--no-admin") //nolint:noctx // stopped below
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &out, &out
	cmd.Env = append(os.Environ(), "LITE_TELEMETRY=0", "DO_NOT_TRACK=1", "EXPERIMENTAL_STORAGE=1")
	if err := cmd.Start(); err != nil {
		return false, err
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	stop := func() { _ = cmd.Process.Signal(syscall.SIGKILL); <-ended }
	s.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	for end := time.Now().Add(ready); time.Now().Before(end); {
		select {
		case <-ended:
			return false, errors.New("lite ended: " + out.String())
		case <-time.After(50 * time.Millisecond):
		}
		if s.answers(t.Context()) {
			t.Cleanup(stop)
			return true, nil
		}
	}
	stop()
	return false, errors.New("lite does not answer: " + out.String())
}

func (s *Server) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/auth/v1/.well-known/jwks.json", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// Token is an access token of the user with that id.
func (s *Server) Token(t testing.TB, user string) string {
	t.Helper()
	return s.token(t, jwt.MapClaims{"sub": user})
}

// ClientToken is one of an OAuth client that acts for the user.
func (s *Server) ClientToken(t testing.TB, user, client string) string {
	t.Helper()
	return s.token(t, jwt.MapClaims{"sub": user, "client_id": client})
}

func (s *Server) token(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	now := time.Now()
	claims["role"], claims["aud"], claims["iat"], claims["exp"] = "authenticated", "authenticated", now.Unix(), now.Add(time.Hour).Unix()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(s.JWTSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer lis.Close()
	return lis.Addr().(*net.TCPAddr).Port, nil
}

var installed = sync.OnceValues(func() (string, error) {
	dir, err := search()
	if err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".install.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // other packages' tests install at the same time
		return "", err
	}
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err == nil {
		return modules, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return modules, nil
})

// search finds this folder from that of a package of the module.
func search() (string, error) {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return filepath.Join(dir, "store", "storetest", "lite"), nil
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.Join(errors.New("the module's folder is not above this one"), err)
}

func install(t testing.TB) (string, error) {
	t.Helper()
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatal(tool + " is missing")
		}
		t.Skip("SKIPPED, NOT SHOWN ON SUPABASE'S REST INTERFACE: " + tool + " is missing (apt-get install npm)")
	}
	return installed()
}
