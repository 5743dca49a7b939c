package app_test

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

const formTriggerType = "n8n-nodes-base.formTrigger"

// multipartForm is a form with files, as a browser sends it.
func multipartForm(t *testing.T, fields, files [][2]string) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range files {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + f[0] + `"; filename="file` + string(rune('0'+i)) + `.txt"`}, "Content-Type": {"text/plain"}}
		part, err := w.CreatePart(h)
		if err == nil {
			_, err = part.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// ran are the executions of a workflow, newest first.
func (p *person) ran(t *testing.T, id string) (ids []string, status []string) {
	t.Helper()
	var list struct {
		Executions []struct {
			ExecutionID string `json:"execution_id"`
			Status      string
		}
	}
	p.ok(t, "GET", "/workflows/"+id+"/history", nil, &list)
	for _, e := range list.Executions {
		ids, status = append(ids, e.ExecutionID), append(status, e.Status)
	}
	return ids, status
}

// TestFormPages leads a person through a form of two pages to its end page,
// with files and all kinds of fields.
func TestFormPages(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.person(t)
	id := p.save(t, line("pages", object{"executionOrder": "v1"},
		object{"name": "Form", "type": formTriggerType, "typeVersion": 2.2, "parameters": object{"path": "pages", "formTitle": "Apply", "formFields": object{"values": []object{
			{"fieldLabel": "Your name", "requiredField": true}, {"fieldType": "html", "html": `<h2>Then</h2><script>alert(1)</script><a href="javascript:x">y</a>`},
			{"fieldLabel": "CV", "fieldType": "file", "acceptFileTypes": ".txt,.pdf", "requiredField": true},
			{"fieldLabel": "Skills", "fieldType": "checkbox", "fieldOptions": object{"values": []object{{"option": "Go"}, {"option": "SQL"}, {"option": "C"}}}, "limitSelection": "range", "minSelections": 1, "maxSelections": 2},
			{"fieldLabel": "from", "fieldType": "hiddenField", "fieldValue": "ad"}, {"fieldLabel": "pass", "fieldType": "password"},
			{"fieldLabel": "Pick", "fieldType": "radio", "fieldOptions": object{"values": []object{{"option": "one"}, {"option": "two"}}}}}}}},
		object{"name": "More", "type": "n8n-nodes-base.form", "parameters": object{"defineForm": "json", "jsonOutput": `=[{"fieldLabel":"Why, {{ $json["Your name"] }}?","fieldType":"textarea"}]`, "options": object{"formTitle": "Page two"}}},
		object{"name": "End", "type": "n8n-nodes-base.form", "parameters": object{"operation": "completion", "completionTitle": "All <done>", "completionMessage": "={{ $('Form').item.json['Your name'] }}, we write"}}))
	p.ok(t, "POST", "/workflows/"+id+"/activate", nil, nil)

	status, _, text := request(t, "GET", srv.url+"/form/pages?Your+name=Ada&Pick=two", "", "text/html", "")
	for _, want := range []string{`enctype="multipart/form-data"`, `value="Ada"`, `type="file" multiple accept=".txt,.pdf"`, `<h2>Then</h2>`, `value="two" checked`, `type="password"`} {
		if status != 200 || !strings.Contains(text, want) {
			t.Errorf("%d, without %s: %s", status, want, text)
		}
	}
	for _, not := range []string{"<script", "javascript:", "alert(1)"} {
		if strings.Contains(text, not) {
			t.Errorf("%s is in %s", not, text)
		}
	}
	fields := [][2]string{{"Your name", "Ada"}, {"Skills", "Go"}, {"Skills", "SQL"}, {"from", "ad"}, {"pass", "x"}, {"Pick", "two"}}
	body, kind := multipartForm(t, append(fields, [2]string{"Skills", "C"}), nil)
	if status, text := srv.do(t, "POST", "/form/pages", body, "Content-Type", kind, "Accept", "text/html"); status != 400 ||
		!strings.Contains(string(text), "at most 2") || !strings.Contains(string(text), "CV: must be filled in") || !strings.Contains(string(text), `value="Ada"`) {
		t.Errorf("%d %s", status, text)
	}
	body, kind = multipartForm(t, fields, [][2]string{{"CV", "hello"}, {"CV", "there"}})
	r := srv.response(t, "POST", "/form/pages", body, "Content-Type", kind, "Accept", "text/html")
	next := r.Header.Get("Location")
	if r.StatusCode != 303 || !strings.HasPrefix(next, "/form-waiting/") {
		t.Fatalf("%d %v", r.StatusCode, r.Header)
	}
	status, data := srv.do(t, "GET", next, nil, "Accept", "text/html")
	if status != 200 || !strings.Contains(string(data), "Page two") || !strings.Contains(string(data), "Why, Ada?") {
		t.Errorf("%d %s", status, data)
	}
	if status, data := srv.do(t, "GET", strings.Replace(next, "/form-waiting/", "/webhook-waiting/", 1), nil); status != 403 {
		t.Errorf("the link of pages resumes: %d %s", status, data)
	}
	status, data = srv.do(t, "POST", next, []byte("Why%2C+Ada%3F=because"), "Content-Type", formKind, "Accept", "text/html")
	if status != 200 || !strings.Contains(string(data), "All &lt;done&gt;") || !strings.Contains(string(data), "Ada, we write") {
		t.Errorf("%d %s", status, data)
	}
	if status, data = srv.do(t, "GET", next, nil, "Accept", "text/html"); status != 200 || !strings.Contains(string(data), "Ada, we write") {
		t.Errorf("the end page again: %d %s", status, data)
	}
	ids, _ := p.ran(t, id)
	srv.becomes(t, srv.key(t, "tools:execute"), ids[0], "success")
	var full struct {
		Nodes []struct {
			Node    string
			Outputs [][]struct {
				JSON   map[string]any
				Binary map[string]struct{ FileName, MimeType, Data string }
			}
		}
	}
	p.ok(t, "GET", "/executions/"+ids[0]+"?detail=nodes", nil, &full)
	item := full.Nodes[0].Outputs[0][0]
	skills, _ := item.JSON["Skills"].([]any)
	files, _ := item.JSON["CV"].([]any)
	if item.JSON["Your name"] != "Ada" || len(skills) != 2 || item.JSON["Pick"] != "two" || item.JSON["formMode"] != "production" || item.JSON["from"] != "ad" || len(files) != 2 {
		t.Errorf("%v", item.JSON)
	}
	if f, _ := files[1].(map[string]any); f["filename"] != "file1.txt" || f["size"] != 5.0 || item.Binary["CV_1"].MimeType != "text/plain" || item.Binary["CV_0"].FileName != "file0.txt" {
		t.Errorf("%v %+v", files, item.Binary)
	}
	if more := full.Nodes[1].Outputs[0][0].JSON; more["Why, Ada?"] != "because" {
		t.Errorf("%v", more)
	}
}

// TestFormGuard asks for a password, tries a form once, and answers when the
// workflow has ended.
func TestFormGuard(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.person(t)
	var made struct {
		CredentialID string `json:"credential_id"`
	}
	p.ok(t, "POST", "/credentials", object{"name": "door", "type": "httpBasicAuth", "values": object{"user": "u", "password": "pw"}}, &made)
	form := func(path, mode string) object {
		return object{"name": "Form", "type": formTriggerType, "typeVersion": 2.2, "parameters": object{"path": path, "formTitle": "Ask", "responseMode": mode, "authentication": "basicAuth",
			"formFields": object{"values": []object{{"fieldLabel": "q"}}}, "options": object{"respondWithOptions": object{"values": object{"respondWith": "redirect", "redirectUrl": "https://example.com/ok"}}}},
			"credentials": object{"httpBasicAuth": object{"id": made.CredentialID, "name": "door"}}}
	}
	id := p.save(t, line("guarded", nil, form("guarded", "lastNode"), set("Echo", "echo", "={{ $json.q }}")))
	right, wrong := "Basic "+base64.StdEncoding.EncodeToString([]byte("u:pw")), "Basic "+base64.StdEncoding.EncodeToString([]byte("u:no"))
	ask := func(method, path, auth string) *http.Response {
		return srv.response(t, method, path, []byte("q=1"), "Content-Type", formKind, "Accept", "text/html", "Authorization", auth)
	}
	if r := ask("GET", "/form-test/guarded", right); r.StatusCode != 404 {
		t.Errorf("not armed: %d", r.StatusCode)
	}
	var a armed
	p.ok(t, "POST", "/workflows/"+id+"/test-webhook", nil, &a)
	if len(a.Triggers) != 1 || a.Triggers[0].URL != srv.url+"/form-test/guarded" {
		t.Errorf("%+v", a)
	}
	for _, auth := range []string{"", wrong} {
		for _, method := range []string{"GET", "POST"} {
			if r := ask(method, "/form-test/guarded", auth); r.StatusCode != 401 || !strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("%s as %q: %d %v", method, auth, r.StatusCode, r.Header)
			}
		}
	}
	if r := ask("GET", "/form-test/guarded", right); r.StatusCode != 200 {
		t.Errorf("looking: %d", r.StatusCode)
	}
	if r := ask("POST", "/form-test/guarded", right); r.StatusCode != 303 || r.Header.Get("Location") != "https://example.com/ok" {
		t.Errorf("the test: %d %v", r.StatusCode, r.Header)
	}
	if r := ask("POST", "/form-test/guarded", right); r.StatusCode != 404 {
		t.Errorf("a second test: %d", r.StatusCode)
	}
	if _, status := p.ran(t, id); len(status) != 1 || status[0] != "success" {
		t.Errorf("the form was answered before the end: %v", status)
	}

	answer := object{"name": "Answer", "type": "n8n-nodes-base.respondToWebhook", "typeVersion": 1.4, "parameters": object{"respondWith": "text", "responseBody": "=you asked {{ $json.q }}"}}
	id = p.save(t, line("answered", nil, form("answered", "responseNode"), answer))
	p.ok(t, "POST", "/workflows/"+id+"/activate", nil, nil)
	if status, data := srv.do(t, "POST", "/form/answered", []byte("q=7"), "Content-Type", formKind, "Accept", "text/html", "Authorization", right); status != 200 || string(data) != "you asked 7" {
		t.Errorf("%d %s", status, data)
	}
	id = p.save(t, line("failing", nil, form("failing", "lastNode"), object{"name": "Stop", "type": "n8n-nodes-base.stopAndError", "parameters": object{"errorMessage": "secret reason"}}))
	p.ok(t, "POST", "/workflows/"+id+"/activate", nil, nil)
	if status, data := srv.do(t, "POST", "/form/failing", []byte("q=7"), "Content-Type", formKind, "Accept", "text/html", "Authorization", right); status != 500 || !strings.Contains(string(data), "has failed") || strings.Contains(string(data), "secret") {
		t.Errorf("%d %s", status, data)
	}
}

// TestChoice waits for one of three ways, on a page and by the tool.
func TestChoice(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "tools:execute")
	id := srv.create(t, key, line("choose", nil, manual(), object{"name": "Choose", "type": "flowgate.choice", "parameters": object{"message": "Which <way>?", "askComment": true,
		"choices": object{"values": []object{{"name": "left"}, {"name": "right", "label": "To the right"}}}}}))
	for _, byPage := range []bool{true, false} {
		e := srv.execute(t, key, id)
		e = srv.becomes(t, key, e.ExecutionID, "waiting")
		if status, body := srv.invoke(t, key, "resume_execution", object{"execution_id": e.ExecutionID, "response": object{"choice": "up"}}); status != 400 || !bytes.Contains(body, []byte("left, right")) {
			t.Errorf("%d %s", status, body)
		}
		if link := srv.here(t, e.ResumeURL); byPage {
			if status, _, text := request(t, "GET", link, "", "text/html", ""); status != 200 || !strings.Contains(text, "Which &lt;way&gt;?") || !strings.Contains(text, `<button name="choice" value="right">To the right</button>`) {
				t.Errorf("%d %s", status, text)
			}
			if status, _, text := request(t, "POST", link, formKind, "text/html", "choice=right&comment=ok"); status != 200 {
				t.Errorf("%d %s", status, text)
			}
		} else {
			srv.call(t, key, "resume_execution", object{"execution_id": e.ExecutionID, "response": object{"choice": "right", "comment": "ok"}}, nil)
		}
		srv.becomes(t, key, e.ExecutionID, "success")
		out := srv.look(t, key, e.ExecutionID).Nodes[1].Outputs
		if len(out) != 3 || len(out[0]) != 0 || len(out[1]) != 1 {
			t.Fatalf("%+v", out)
		}
		if c, _ := out[1][0].JSON["choice"].(map[string]any); c["name"] != "right" || c["comment"] != "ok" {
			t.Errorf("%+v", out)
		}
	}
}
