package app_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLargeFilesOfExecutions sends a file through a workflow: the database
// does not get it, nodes, code and callers do, and nobody else.
func TestLargeFilesOfExecutions(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	ann, bob := srv.person(t), srv.personNamed(t, "bob@b.test")
	id := ann.save(t, line("files", nil,
		object{"name": "Hook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "parameters": object{"httpMethod": "POST", "path": "large",
			"responseMode": "lastNode", "responseData": "firstEntryBinary", "responseBinaryPropertyName": "twice", "options": object{"rawBody": true}}},
		object{"name": "Code", "type": "n8n-nodes-base.code", "typeVersion": 2, "parameters": object{"jsCode": `const once = await this.helpers.getBinaryDataBuffer(0, "data");
return [{ json: { size: once.length }, binary: { data: items[0].binary.data, twice: await this.helpers.prepareBinaryData(Buffer.concat([once, once]), "twice.bin", "application/x-twice") } }];`}},
		set("Size", "encoded", "={{ $binary.data.data.length }}")))
	ann.ok(t, "POST", "/workflows/"+id+"/activate", nil, nil)

	content := make([]byte, 300_000)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(content)
	req, err := http.NewRequestWithContext(t.Context(), "POST", srv.url+"/webhook/large", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(resp.Body); err != nil || resp.StatusCode != 200 || !bytes.Equal(answer.Bytes(), append(bytes.Clone(content), content...)) || resp.Header.Get("Content-Type") != "application/x-twice" {
		t.Fatalf("%d %v, %d bytes: %.200q", resp.StatusCode, err, answer.Len(), answer.Bytes())
	}

	var history struct {
		Executions []struct {
			ExecutionID string `json:"execution_id"`
		}
	}
	ann.ok(t, "GET", "/workflows/"+id+"/history", nil, &history)
	execution := history.Executions[0].ExecutionID
	var shown json.RawMessage
	ann.ok(t, "GET", "/executions/"+execution+"?detail=nodes", nil, &shown)
	if len(shown) > 20_000 || !strings.Contains(string(shown), `"encoded":"400000"`) {
		t.Errorf("%d bytes: %.600s", len(shown), shown)
	}
	at := "/api/app/executions/" + execution + "/files?node=Size&property="
	for property, want := range map[string][]byte{"data": content, "twice": answer.Bytes()} {
		if status, got := srv.do(t, "GET", at+property, nil, "Authorization", "Bearer "+ann.token); status != 200 || !bytes.Equal(got, want) {
			t.Errorf("%s: %d, %d bytes", property, status, len(got))
		}
	}
	if status, got := srv.do(t, "GET", at+"data", nil, "Authorization", "Bearer "+ann.token, "Range", "bytes=100-199"); status != 206 || !bytes.Equal(got, content[100:200]) {
		t.Errorf("a range: %d, %d bytes", status, len(got))
	}
	if status, got := srv.do(t, "GET", at+"data", nil, "Authorization", "Bearer "+bob.token); status != 404 {
		t.Errorf("another user: %d, %d bytes", status, len(got))
	}
	var used struct {
		UsedFiles int `json:"used_files"`
	}
	ann.ok(t, "GET", "/files", nil, &used)
	kept, err := filepath.Glob(filepath.Join(srv.dataDir, "files", "*", execution, "*"))
	if err != nil || len(kept) != 2 || used.UsedFiles != 0 {
		t.Errorf("kept %q, %v; %d count as files", kept, err, used.UsedFiles)
	}
	bobsOwn(t, bob, kept[0], execution)
	waitUntil(t, "the execution is old enough", func() bool {
		flowgate(t, "prune", "--older-than", "1ms", "--data-dir", srv.dataDir)
		left, err := filepath.Glob(filepath.Join(srv.dataDir, "files", "*", execution))
		return err == nil && len(left) == 0
	})
}

// bobsOwn has another user's workflow name the file as its own.
func bobsOwn(t *testing.T, bob *person, path, execution string) {
	t.Helper()
	id := bob.save(t, line("thief", nil, manual(),
		object{"name": "Code", "type": "n8n-nodes-base.code", "typeVersion": 2, "parameters": object{
			"jsCode": `return [{ json: {}, binary: { data: { id: "` + execution + "-" + filepath.Base(path) + `", mimeType: "a/b" } } }]`}},
		object{"name": "Read", "type": "n8n-nodes-base.extractFromFile", "typeVersion": 1, "parameters": object{"operation": "binaryToPropery"}}))
	var e struct {
		Status      string
		ExecutionID string `json:"execution_id"`
		Error       struct{ Message string }
	}
	bob.ok(t, "POST", "/workflows/"+id+"/execute?wait=30", object{}, &e)
	if e.Status != "error" || !strings.Contains(e.Error.Message, "not there any more") {
		t.Errorf("%+v", e)
	}
	if status, got := bob.srv.do(t, "GET", "/api/app/executions/"+e.ExecutionID+"/files?node=Code", nil, "Authorization", "Bearer "+bob.token); status != 404 {
		t.Errorf("by his own execution: %d, %d bytes", status, len(got))
	}
}

func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}
