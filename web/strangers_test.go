package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// TestStrangersLearnNothing has a second user try every route of the table
// with the first user's ids: it answers as it does for ids that are not there,
// word for word, and nothing changes.
func TestStrangersLearnNothing(t *testing.T) {
	w := newWorld(t, nil)
	mine := w.belongings(t)
	stranger := w.other(t)
	tried := 0
	for _, c := range w.Service.Capabilities() {
		for _, r := range c.Routes {
			if !placeholder.MatchString(r.Path) && c.Name != "list_executions" {
				continue
			}
			tried++
			real := w.stranger(t, c, r, mine, stranger)
			none := w.stranger(t, c, r, map[string]string{}, stranger)
			if real.status != none.status || blank(real.body, mine) != blank(none.body, mine) {
				t.Errorf("%s %s: for the first user's ids\n %d %s\nfor none\n %d %s", r.Method, r.Path, real.status, real.body, none.status, none.body)
			}
			if real.status < 400 && c.Name != "list_executions" && c.Name != "validate_workflow" && !c.Admin && !strings.HasPrefix(r.Path, "/node-types") {
				t.Errorf("%s %s: %d %s", r.Method, r.Path, real.status, real.body)
			}
		}
	}
	if tried < 25 {
		t.Errorf("only %d routes were tried", tried)
	}
	for _, path := range []string{"/workflows/" + mine["workflow_id"], "/executions/" + mine["execution_id"], "/files/" + mine["file_id"]} {
		if r := w.app(t, "GET", "/api/app"+path, ""); r.status != 200 {
			t.Errorf("afterwards %s: %d %s", path, r.status, r.body)
		}
	}
	for _, list := range []string{"/workflows", "/executions", "/files", "/credentials"} {
		r := w.send(t, "GET", "/api/app"+list, "", "Authorization", stranger)
		for what, id := range mine {
			if r.status == 200 && contains(r.body, id) && len(id) > 8 {
				t.Errorf("%s shows the first user's %s", list, what)
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// belongings are the first user's, by the name of the path parameter.
func (w *world) belongings(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"workflow_id": w.workflow(t), "file_id": w.upload(t, "mine.txt", "secret"), "version": "1"}
	r := w.app(t, "POST", "/api/app/workflows/"+out["workflow_id"]+"/execute?wait=5", `{}`)
	out["execution_id"], _ = r.json["execution_id"].(string)
	c := &store.Credential{ID: "0198a000-0000-7000-8000-0000000000cc", OwnerID: owner, Type: "httpHeaderAuth", Name: "n", Sealed: []byte{1}, CreatedAt: time.Now()}
	if err := w.store.CreateCredential(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	out["credential_id"] = c.ID
	if out["execution_id"] == "" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return out
}

// stranger sends what would succeed for the owner. Parameters without an id
// are given one that is nobody's.
func (w *world) stranger(t *testing.T, c *service.Capability, r service.Route, ids map[string]string, token string) reply {
	t.Helper()
	path := placeholder.ReplaceAllStringFunc(r.Path, func(p string) string {
		name := strings.Trim(p, "{}")
		if id := ids[name]; id != "" {
			return id
		}
		if name == "version" {
			return "1"
		}
		return "0198a000-0000-7000-8000-00000000ffff"
	})
	if c.Name == "list_executions" {
		path += "?workflow_id=" + ids["workflow_id"]
	}
	if c.Name == "download_execution_file" {
		path += "?node=Start"
	}
	body := ""
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		body = `{}`
	}
	return w.send(t, r.Method, "/api/app"+path, body, "Authorization", token)
}

// blank leaves out what must differ: the ids that were asked for, and the
// request's own.
func blank(body string, ids map[string]string) string {
	for name, id := range ids {
		if len(id) > 8 {
			body = strings.ReplaceAll(body, id, "<"+name+">")
		}
	}
	body = regexp.MustCompile(`0198a000-0000-7000-8000-00000000ffff`).ReplaceAllString(body, "<id>")
	body = regexp.MustCompile(`<[a-z_]+>`).ReplaceAllString(body, "<id>")
	return regexp.MustCompile(`"request_id":"[^"]*"`).ReplaceAllString(body, "")
}

// TestRefusals are, for every route of the table: nobody, a tier that is off,
// another method, an unknown argument, a body that is no JSON.
func TestRefusals(t *testing.T) {
	w := newWorld(t, nil)
	off := newWorld(t, func(o *Options) { o.AppOff = true })
	for _, c := range w.Service.Capabilities() {
		for _, r := range c.Routes {
			path := placeholder.ReplaceAllString(r.Path, "1")
			name := fmt.Sprintf("%s %s", r.Method, r.Path)
			if got := w.send(t, r.Method, "/api/app"+path, ""); got.status != 401 {
				t.Errorf("%s by nobody: %d", name, got.status)
			}
			if got := off.app(t, r.Method, "/api/app"+path, ""); got.status != 404 {
				t.Errorf("%s while off: %d", name, got.status)
			}
			if got := w.app(t, "PATCH", "/api/app"+path, ""); got.status != 405 || got.json["error"] != "method_not_allowed" || !contains(got.header.Get("Allow"), r.Method) {
				t.Errorf("PATCH %s: %d %s, Allow %q", r.Path, got.status, got.body, got.header.Get("Allow"))
			}
			if c.Admin {
				if got := w.app(t, r.Method, "/api/app"+path, ""); got.status != 403 || got.json["error"] != "admin_required" {
					t.Errorf("%s by a user: %d %s", name, got.status, got.body)
				}
				continue
			}
			if got := w.app(t, r.Method, "/api/app"+path+"?no_such=1", ""); got.status != 400 || r.Method != "HEAD" && !contains(got.body, `"field":"no_such"`) {
				t.Errorf("%s with an unknown argument: %d %s", name, got.status, got.body)
			}
			if c.Raw || r.Method == "GET" || r.Method == "DELETE" {
				continue
			}
			if got := w.app(t, r.Method, "/api/app"+path, "a=b", "Content-Type", "application/x-www-form-urlencoded"); got.status != 415 {
				t.Errorf("%s with a form: %d %s", name, got.status, got.body)
			}
			if got := w.app(t, r.Method, "/api/app"+path, "{"); got.status != 400 || got.json["error"] != "invalid_argument" {
				t.Errorf("%s with half a body: %d %s", name, got.status, got.body)
			}
			if got := w.app(t, r.Method, "/api/app"+path, `{"a":"`+strings.Repeat("x", 5<<20)+`"}`); got.status != 413 {
				t.Errorf("%s with too much: %d", name, got.status)
			}
		}
	}
}

func TestOperatorRoutes(t *testing.T) {
	errs := &service.ErrorLog{}
	w := newWorld(t, func(o *Options) { o.Errors, o.Service.Operator.Errors = errs, errs })
	token, _, err := w.issuer.UserToken(&workflow.User{ID: owner, Email: "a@b.test", Role: "admin"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.echo.GET("/api/app/broken", func(echo.Context) error { return fmt.Errorf("the insides of it") })
	w.send(t, "GET", "/api/app/broken", "")
	for path, want := range map[string]string{"health": `"status":"healthy"`, "limits": `"enabled":false`, "errors": `"route":"/api/app/broken","status":500,"error":"internal_server_error"`} {
		r := w.send(t, "GET", "/api/app/admin/"+path, "", "Authorization", "Bearer "+token)
		if r.status != 200 || !contains(r.body, want) || contains(r.body, "insides") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// TestListsRunBothWays: whoever asks for the oldest first gets the same list
// from its other end, page by page.
func TestListsRunBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range 3 {
		w.workflow(t)
	}
	all := func(sort string) (ids []string) {
		for query := "?limit=2" + sort; ; {
			r := w.app(t, "GET", "/api/app/workflows"+query, "")
			list, _ := r.json["workflows"].([]any)
			for _, e := range list {
				id, _ := e.(map[string]any)["workflow_id"].(string)
				ids = append(ids, id)
			}
			next, more := r.json["next_cursor"].(string)
			if r.status != 200 || len(ids) > 10 {
				t.Fatal(r.status, r.body)
			}
			if !more {
				return ids
			}
			query = "?limit=2" + sort + "&cursor=" + next
		}
	}
	newest, oldest := all(""), all("&sort=oldest")
	slices.Reverse(oldest)
	if len(newest) != 3 || !slices.Equal(newest, oldest) {
		t.Errorf("%v, and the other way %v", newest, oldest)
	}
	if r := w.app(t, "GET", "/api/app/workflows?sort=random", ""); r.status != 400 || !contains(r.body, `"field":"sort"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}
