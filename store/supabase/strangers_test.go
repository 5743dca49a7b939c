package supabase_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestStrangers calls every exposed function without a user's token, with the
// project's secret key, and with a token that is not signed as it should be:
// none answers. To an OAuth client that acts for a user they answer as to one who
// has nothing. Tables are not exposed to anybody.
func TestStrangers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short")
	}
	p := newProject(t, 1)
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
	if err != nil || len(names) < 20 {
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
	asClient(t, p, ask)
	for _, table := range []string{"workflows", "api_keys", "secrets"} {
		for _, key := range []string{p.Anon, p.Service} {
			if status, said := ask("GET", table+"?select=*", schema(0), key, "", ""); status < 400 {
				t.Errorf("%s is exposed: %d %s", table, status, said)
			}
		}
	}
}

// asClient shows that a client's token neither sees nor changes what its user
// has, whatever the user's grant to it says.
func asClient(t *testing.T, p *project, ask func(method, path, profile, key, token, body string) (int, string)) {
	t.Helper()
	call := func(token, name, args string) string {
		t.Helper()
		body, err := json.Marshal(map[string]string{"args": args})
		if err != nil {
			t.Fatal(err)
		}
		_, said := ask("POST", "rpc/"+name, schema(0)+"_api", p.Anon, token, string(body))
		return said
	}
	user, client := p.Token(t, "ada"), p.ClientToken(t, "ada", "app")
	const session = `{"id":"s1","status":"active","title":"","action":"create","source_id":"","workflow_id":"","model":"","model_credential":"","meta":"","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}`
	call(user, "create_session", session)
	if said := call(user, "list_sessions", `{"limit":9}`); !strings.Contains(said, `"s1"`) {
		t.Fatal("the user has no session: ", said)
	}
	if said := call(client, "list_sessions", `{"limit":9}`); strings.Contains(said, `"s1"`) || !strings.Contains(said, `"total"`) {
		t.Error("a client sees its user's sessions: ", said)
	}
	call(client, "delete_session", `{"id":"s1"}`)
	call(client, "create_session", strings.Replace(session, "s1", "s2", 1))
	if said := call(user, "list_sessions", `{"limit":9}`); !strings.Contains(said, `"s1"`) || strings.Contains(said, `"s2"`) {
		t.Error("a client changed its user's sessions: ", said)
	}
}
