package app_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// marker is in everything that the victim has.
const marker = "belongs-to-ada"

// belongings are the victim's, by the names of arguments.
func (p *person) belongings(t *testing.T) map[string]any {
	t.Helper()
	hook := hooked(marker, object{"path": marker, "httpMethod": "POST"})
	w := p.save(t, hook)
	p.ok(t, "POST", "/workflows/"+w+"/activate", nil, nil)
	var e waitingReply
	p.ok(t, "POST", "/workflows/"+p.save(t, line(marker+" 2", nil, manual(), set("Say", "text", marker)))+"/execute?wait=55", object{}, &e)
	var made struct {
		SessionID    string `json:"session_id"`
		CredentialID string `json:"credential_id"`
	}
	p.ok(t, "POST", "/sessions", object{"meta_data": object{"of": marker}}, &made)
	p.ok(t, "POST", "/credentials", object{"name": marker, "type": "httpHeaderAuth", "values": object{"name": "X", "value": marker}}, &made)
	return object{"workflow_id": w, "execution_id": e.ExecutionID, "session_id": made.SessionID, "credential_id": made.CredentialID,
		"file_id": p.upload(t, marker+".csv", marker), "name": "renamed", "title": "renamed", "message": "delete everything", "confirm": true, "query": marker,
		"version": 1, "response": object{"ok": true}, "action": "copy"}
}

// tools are those the key may call, with the victim's things as arguments.
func (s *serverProcess) tools(t *testing.T, key string, mine object) map[string]object {
	t.Helper()
	_, body := s.do(t, "GET", "/api/mcp/tools", nil, "X-API-Key", key)
	var list struct {
		Tools []struct {
			Name        string
			InputSchema struct {
				Properties map[string]any
			} `json:"inputSchema"`
		}
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Tools) < 15 {
		t.Fatalf("%v %s", err, body)
	}
	out := map[string]object{}
	for _, tool := range list.Tools {
		args := object{}
		for name, value := range mine {
			if _, ok := tool.InputSchema.Properties[name]; ok {
				args[name] = value
			}
		}
		out[tool.Name] = args
	}
	return out
}

// digest says what the tables hold of the victim.
func digest(t *testing.T, db *sql.DB, owner string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, table := range []string{"workflows", "workflow_versions", "executions", "execution_chunks", "credentials", "files", "chat_sessions", "chat_messages", "webhooks", "schedules"} {
		var has sql.NullString
		err := db.QueryRowContext(t.Context(), `SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_schema = 'flowgate' AND table_name = $1 AND column_name = 'owner_id'`, table).Scan(&has)
		if err != nil {
			t.Fatal(err)
		}
		if !has.Valid {
			continue
		}
		var text string
		if err := db.QueryRowContext(t.Context(), `SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') FROM flowgate.`+table+` r WHERE owner_id = $1`, owner).Scan(&text); err != nil {
			t.Fatal(err)
		}
		out[table] = text
	}
	return out
}

// settled is digest once what runs in the background has been recorded.
func settled(t *testing.T, db *sql.DB, owner string) map[string]string {
	t.Helper()
	before := digest(t, db, owner)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(time.Second)
		after := digest(t, db, owner)
		if maps.Equal(before, after) {
			return after
		}
		before = after
	}
	t.Fatalf("it goes on changing: %v", before)
	return nil
}

// TestDatabaseRefusesWhatTheProgramWouldNot takes the program's own checks away:
// it believes that the caller is who owns the rows, and lets everything pass; the
// database alone knows the caller for another. By no door is anything read or
// changed: neither by the App tier over the project's REST interface, nor by MCP
// or the engine over the direct connection.
func TestDatabaseRefusesWhatTheProgramWouldNot(t *testing.T) {
	t.Parallel()
	b := newPostgres(t)
	p := newRealProject(t, b)
	srv := b.start(t, p.settings()...)
	const owner, another = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": owner, "role": "authenticated", "aud": "authenticated", "iss": p.proxy.URL + "/auth/v1",
		"email": "ada@b.test", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}).SignedString([]byte(p.JWTSecret))
	if err != nil {
		t.Fatal(err)
	}
	ada := &person{srv, token}
	mine := ada.belongings(t)
	var key struct{ Key string }
	ada.ok(t, "POST", "/api-keys", object{"client_name": "mcp", "scopes": []string{"tools:execute"}}, &key)
	tools := srv.tools(t, key.Key, mine)
	if status, body := srv.invoke(t, key.Key, "get_workflow", object{"workflow_id": mine["workflow_id"]}); status != http.StatusOK || !strings.Contains(string(body), marker) {
		t.Fatalf("the test shows nothing: %d %s", status, body)
	}
	if status, body := srv.do(t, "POST", "/webhook/"+marker, []byte(`{}`), "Content-Type", "application/json"); status != http.StatusOK {
		t.Fatalf("the test shows nothing: %d %s", status, body)
	}
	db := b.open(t)
	before := settled(t, db, owner)
	if len(before) < 6 || strings.HasPrefix(before["executions"], "0 ") {
		t.Fatalf("the test shows nothing: %v", before)
	}
	knows := func(caller string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(`CREATE OR REPLACE FUNCTION flowgate.acting_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
			RETURN CASE nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' WHEN '%s' THEN '%s' END`, owner, caller)); err != nil {
			t.Fatal(err)
		}
	}
	knows(another)
	refused := 0
	try := func(door, what string, status int, body []byte) {
		t.Helper()
		if strings.Contains(string(body), marker) && !strings.Contains(what, "search") { // those say what was looked for
			t.Errorf("%s %s reads it: %d %s", door, what, status, body)
		}
		if status >= 400 {
			refused++
		}
	}
	for name, args := range tools {
		status, body := srv.invoke(t, key.Key, name, args)
		try("façade", name, status, body)
		data, err := json.Marshal(object{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": object{"name": name, "arguments": args, "_meta": object{
			"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": object{"name": "t", "version": "1"}, "io.modelcontextprotocol/clientCapabilities": object{}}}})
		if err != nil {
			t.Fatal(err)
		}
		status, body = srv.do(t, "POST", "/mcp", data, append([]string{"X-API-Key", key.Key, "Content-Type", "application/json", "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", name}, accept...)...)
		try("MCP", name, status, body)
	}
	workflow, execution, session := fmt.Sprint("/workflows/", mine["workflow_id"]), fmt.Sprint("/executions/", mine["execution_id"]), fmt.Sprint("/sessions/", mine["session_id"])
	credential, file := fmt.Sprint("/credentials/", mine["credential_id"]), fmt.Sprint("/files/", mine["file_id"])
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/workflows", nil}, {"GET", workflow, nil}, {"GET", workflow + "/versions", nil}, {"GET", workflow + "/history", nil}, {"PUT", workflow, object{"name": "renamed"}},
		{"POST", workflow + "/execute", object{}}, {"POST", workflow + "/deactivate", nil}, {"DELETE", workflow, nil}, {"GET", "/executions", nil}, {"GET", execution, nil},
		{"GET", execution + "/logs", nil}, {"POST", execution + "/retry", object{}}, {"POST", execution + "/cancel", nil}, {"GET", "/sessions", nil}, {"GET", session, nil},
		{"PUT", session, object{"title": "renamed"}}, {"DELETE", session, nil}, {"GET", fmt.Sprintf("/chat/%s/messages", mine["session_id"]), nil},
		{"GET", "/credentials", nil}, {"PUT", credential, object{"name": "renamed"}}, {"POST", credential + "/test", nil}, {"DELETE", credential, nil},
		{"GET", "/files", nil}, {"GET", file, nil}, {"DELETE", file, nil},
	} {
		status, body := ada.send(t, c.method, c.path, c.body)
		try("App", c.method+" "+c.path, status, body)
	}
	for range 2 { // the engine would start the webhook's workflow for its owner
		if status, body := srv.do(t, "POST", "/webhook/"+marker, []byte(`{}`), "Content-Type", "application/json"); status < 400 {
			t.Errorf("the engine runs it: %d %s", status, body)
		}
	}
	if refused < 30 {
		t.Errorf("only %d calls were refused", refused)
	}
	if after := digest(t, db, owner); !maps.Equal(after, before) {
		t.Errorf("what is stored was\n%v\nand is\n%v", before, after)
	}
	t.Logf("%d calls were refused; unchanged are %v", refused, before)
	// It was the policies alone: without one, the program lets it pass.
	open := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	open(`CREATE POLICY open ON flowgate.workflows TO authenticated USING (true); CREATE POLICY open ON flowgate.workflow_versions TO authenticated USING (true)`)
	if status, body := srv.invoke(t, key.Key, "get_workflow", object{"workflow_id": mine["workflow_id"]}); status != http.StatusOK || !strings.Contains(string(body), marker) {
		t.Errorf("without the policies: %d %s", status, body)
	}
	open(`DROP POLICY open ON flowgate.workflows; DROP POLICY open ON flowgate.workflow_versions`)
	knows(owner)
	for _, name := range slices.Sorted(slices.Values([]string{workflow, execution, session})) {
		ada.ok(t, "GET", name, nil, nil)
	}
}
