package supabase_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestStrangers calls every exposed function without a user's token, with the
// project's secret key, and with a token that is not signed as it should be:
// none answers. Tables are not exposed to anybody.
func TestStrangers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short")
	}
	p := newProject(t)
	conn, err := pgx.Connect(t.Context(), p.database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace ORDER BY 1`, schema(0)+"_api")
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 25 {
		t.Fatal(names, err)
	}
	ask := func(method, path, profile, key, token, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, p.URL+"/rest/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Apikey": key, "Content-Type": "application/json", "Content-Profile": profile, "Accept-Profile": profile} {
			req.Header.Set(name, value)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(said)
	}
	user := p.Token(t, "ada")
	if status, said := ask("POST", "rpc/about", schema(0)+"_api", p.Anon, user, `{"args":"{}"}`); status != http.StatusOK {
		t.Fatalf("a user gets %d %s", status, said)
	}
	for _, name := range names {
		for who, c := range map[string][2]string{
			"nobody": {p.Anon, ""}, "the secret key": {p.Service, ""}, "a token of another's making": {p.Anon, user[:len(user)-8] + "AAAAAAAA"},
		} {
			if status, said := ask("POST", "rpc/"+name, schema(0)+"_api", c[0], c[1], `{"args":"{\"id\":\"x\",\"limit\":1}"}`); status < 400 || status >= 500 {
				t.Errorf("%s: %s gets %d %s", name, who, status, said)
			}
		}
	}
	for _, table := range []string{"workflows", "api_keys", "secrets"} {
		for _, key := range []string{p.Anon, p.Service} {
			if status, said := ask("GET", table+"?select=*", schema(0), key, "", ""); status < 400 {
				t.Errorf("%s is exposed: %d %s", table, status, said)
			}
		}
	}
}
