package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// tree is a JSON object of the OpenAPI document.
type tree = map[string]any

// OpenAPI describes every route of this server (OpenAPI 3.1): those of the
// capability table by its schemas, the others by hand. Tiers that are off are
// left out.
func (s *Server) OpenAPI() ([]byte, error) {
	d := &apiDocument{server: s, paths: tree{}, schemas: tree{"Error": errorSchema(), "FacadeError": facadeErrorSchema()}}
	if !s.AppOff {
		for _, c := range s.Service.Capabilities() {
			for _, r := range c.Routes {
				if err := d.addRoute(c, r); err != nil {
					return nil, fmt.Errorf("describe %s: %w", c.Name, err)
				}
			}
		}
	}
	for _, o := range s.otherOperations() {
		d.add(o.path, o.method, o.operation)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(tree{
		"openapi": "3.1.0", "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
		"info": tree{"title": s.Name, "version": orText([]string{s.Version}, ""), "license": tree{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Workflows, their executions, files and credentials, of the signed-in user. Every route below /api/app is also below /api/v1/app, and so for the other tiers. Lists are paged: give next_cursor back as cursor. Another user's id answers 404, as one that is not there does."},
		"servers": []tree{{"url": orText([]string{s.PublicURL}, "/"), "description": "This server"}},
		"tags":    d.tagList(), "paths": d.paths,
		"security": []tree{{"user": []string{}}},
		"components": tree{"schemas": d.schemas, "responses": errorResponses(), "securitySchemes": tree{
			"user":     tree{"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A signed-in user's access token."},
			"apiKey":   tree{"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key of the MCP tier, with scopes."},
			"keyToken": tree{"type": "http", "scheme": "bearer", "description": "A key of the MCP tier as a bearer token."},
			"ticket":   tree{"type": "apiKey", "in": "query", "name": "ticket", "description": "Opens one stream for ten minutes; POST …/ticket gives one."}}},
	})
	return out.Bytes(), err
}

// apiDocument is the document as it grows.
type apiDocument struct {
	server  *Server
	paths   tree
	schemas tree
	tags    []string
}

func (d *apiDocument) add(path, method string, operation tree) {
	item, ok := d.paths[path].(tree)
	if !ok {
		item = tree{}
		d.paths[path] = item
	}
	item[strings.ToLower(method)] = operation
	if tags, ok := operation["tags"].([]string); ok && !slices.Contains(d.tags, tags[0]) {
		d.tags = append(d.tags, tags[0])
	}
}

func (d *apiDocument) tagList() []tree {
	out := make([]tree, 0, len(d.tags))
	for _, t := range d.tags {
		out = append(out, tree{"name": t, "description": tagText(t)})
	}
	return out
}

func tagText(tag string) string {
	if text, ok := map[string]string{"Public": "For anyone, without signing in.", "MCP": "Tools for callers without MCP, by API key."}[tag]; ok {
		return text
	}
	return tag + " of the signed-in user."
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// addRoute describes one address of a capability.
func (d *apiDocument) addRoute(c *service.Capability, r service.Route) error {
	input, err := readSchema(c.Input.JSON)
	if err != nil {
		return err
	}
	op := tree{"operationId": operationID(c, r), "summary": c.Title, "description": c.Description, "tags": []string{c.Group},
		"x-scope": c.Scope, "responses": d.responses(c, r)}
	params := pathParameters(r, input)
	rest := remaining(input, r)
	if sendsBody(r.Method) {
		if c.Raw {
			params = append(params, queryParameters(c, rest)...)
			if c.Name == "upload_file" {
				op["requestBody"] = uploadBody()
			}
		} else {
			params = append(params, headerParameters(c, r, rest)...)
			rest = without(rest, map[string]bool{"wait_seconds": true, "idempotency_key": true}) // ?wait and Idempotency-Key
			if props, _ := rest["properties"].(tree); len(props) > 0 {
				op["requestBody"] = d.body(c, r, rest)
			}
		}
	} else {
		params = append(params, queryParameters(c, rest)...)
	}
	if c.Name == "follow_execution" {
		params = append(params, tree{"name": "Last-Event-ID", "in": "header", "schema": tree{"type": "string"}, "description": "The last event received; sent by EventSource when it connects again."})
		op["security"] = []tree{{"user": []string{}}, {"ticket": []string{}}}
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	d.add("/api/app"+r.Path, r.Method, op)
	return nil
}

// operationID is the capability's name, and where it has several addresses,
// what tells this one from the first.
func operationID(c *service.Capability, r service.Route) string {
	first := c.Routes[0]
	if first.Method == r.Method && first.Path == r.Path {
		return c.Name
	}
	return strings.ToLower(r.Method) + "_" + strings.Trim(regexp.MustCompile(`[^a-z]+`).ReplaceAllString(r.Path, "_"), "_")
}

func sendsBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// readSchema reads a schema so that parts of it can be left out.
func readSchema(data json.RawMessage) (tree, error) {
	var t tree
	err := json.Unmarshal(data, &t)
	if _, ok := t["properties"].(tree); !ok && t != nil {
		t["properties"] = tree{}
	}
	sayOpen(t)
	return t, err
}

// sayOpen says of objects without known properties that they may have any,
// which generators of clients do not take for granted.
func sayOpen(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			sayOpen(e)
		}
	case tree:
		_, known := v["properties"]
		_, said := v["additionalProperties"]
		kinds, _ := v["type"].([]any)
		if (v["type"] == "object" || slices.Contains(kinds, any("object"))) && !known && !said {
			v["additionalProperties"] = true
		}
		for _, e := range v {
			sayOpen(e)
		}
	}
}

func pathParameters(r service.Route, input tree) []tree {
	var out []tree
	props, _ := input["properties"].(tree)
	for _, m := range pathParameter.FindAllStringSubmatch(r.Path, -1) {
		schema, ok := props[m[1]].(tree)
		if !ok {
			schema = tree{"type": "string"}
		}
		out = append(out, parameter(m[1], "path", schema, true))
	}
	return out
}

func parameter(name, in string, schema tree, required bool) tree {
	p := tree{"name": name, "in": in, "schema": schema}
	if text, ok := schema["description"].(string); ok && text != "" {
		p["description"] = text
	}
	if required {
		p["required"] = true
	}
	if in == "path" {
		p["example"] = sampleOf(name, schema)
	}
	return p
}

// remaining is the input without what the address itself says.
func remaining(input tree, r service.Route) tree {
	said := map[string]bool{}
	for _, m := range pathParameter.FindAllStringSubmatch(r.Path, -1) {
		said[m[1]] = true
	}
	for name := range r.Fixed {
		said[name] = true
	}
	return without(input, said)
}

// without is an object schema with some of its properties left out.
func without(schema tree, left map[string]bool) tree {
	out := tree{}
	for k, v := range schema {
		out[k] = v
	}
	props := tree{}
	all, _ := schema["properties"].(tree)
	for name, p := range all {
		if !left[name] {
			props[name] = p
		}
	}
	out["properties"] = props
	required, _ := schema["required"].([]any)
	kept := []any{}
	for _, name := range required {
		if text, _ := name.(string); !left[text] {
			kept = append(kept, name)
		}
	}
	delete(out, "required")
	if len(kept) > 0 {
		out["required"] = kept
	}
	return out
}

func requiredIn(schema tree, name string) bool {
	list, _ := schema["required"].([]any)
	return slices.Contains(list, any(name))
}

func queryParameters(c *service.Capability, rest tree) []tree {
	var out []tree
	props, _ := rest["properties"].(tree)
	for _, a := range c.Input.Arguments() {
		schema, ok := props[a.Name].(tree)
		if !ok {
			continue
		}
		p := parameter(a.Name, "query", schema, requiredIn(rest, a.Name))
		if schema["type"] == "array" {
			p["style"], p["explode"] = "form", true
		}
		out = append(out, p)
	}
	return out
}

// headerParameters are what HTTP has a place of its own for.
func headerParameters(c *service.Capability, r service.Route, rest tree) []tree {
	var out []tree
	props, _ := rest["properties"].(tree)
	if wait, ok := props["wait_seconds"].(tree); ok {
		schema := tree{"type": "integer", "minimum": wait["minimum"], "maximum": wait["maximum"], "default": 0, "description": "Seconds to wait for the end; 200 when it came in time."}
		out = append(out, parameter("wait", "query", schema, false))
	}
	if _, ok := props["idempotency_key"]; ok {
		out = append(out, parameter("Idempotency-Key", "header", tree{"type": "string", "description": "A repeated call with the same key starts nothing and answers with the first one's execution."}, false))
	}
	if _, ok := props["version"]; ok && r.Method == http.MethodPut {
		out = append(out, parameter("If-Match", "header", tree{"type": "string", "pattern": `^(\*|(W/)?"?[1-9][0-9]{0,8}"?)$`, "description": "The ETag of the version that was read; 409 when it is not the newest any more."}, false))
	}
	return out
}

func (d *apiDocument) body(c *service.Capability, r service.Route, rest tree) tree {
	_, required := rest["required"]
	if r.Method == http.MethodPut {
		rest = without(rest, nil)
		delete(rest, "additionalProperties") // what was read may be sent back whole
	}
	name := schemaName(operationID(c, r)) + "Request"
	d.schemas[name] = rest
	media := tree{"schema": ref(name), "example": exampleOf(operationID(c, r), rest)}
	return tree{"required": required, "content": tree{"application/json": media}}
}

func uploadBody() tree {
	return tree{"required": true, "content": tree{
		"application/octet-stream": tree{"schema": tree{"type": "string", "contentMediaType": "application/octet-stream"}},
		"multipart/form-data": tree{"schema": tree{"type": "object", "required": []string{"file"}, "properties": tree{
			"file": tree{"type": "string", "contentMediaType": "application/octet-stream", "description": "The file."}}}},
	}}
}

func schemaName(id string) string {
	var b strings.Builder
	for _, part := range strings.Split(id, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

func ref(name string) tree { return tree{"$ref": "#/components/schemas/" + name} }

// responses are what a route answers: its result, and its errors.
func (d *apiDocument) responses(c *service.Capability, r service.Route) tree {
	out := tree{strconv.Itoa(r.Status): d.success(c, r)}
	if r.Status == http.StatusAccepted {
		out["200"] = d.success(c, r)
	}
	errs := []int{400, 401, 429, 500, 503}
	if pathParameter.MatchString(r.Path) || c.Input.Property("workflow_id") != "" || c.Input.Property("execution_id") != "" {
		errs = append(errs, 404)
	}
	if c.Admin || c.Scope == auth.ScopeAuditRead || c.Scope == auth.ScopeKeysWrite { // not all callers alike
		errs = append(errs, 403)
	}
	if sendsBody(r.Method) {
		errs = append(errs, 413, 415)
	}
	if !c.ReadOnly {
		errs = append(errs, 409)
	}
	if c.OpenWorld || !c.ReadOnly {
		errs = append(errs, 422, 502, 504)
	}
	switch c.Name {
	case "download_file", "download_execution_file":
		out["206"] = tree{"description": "The range of the file that was asked for.", "content": anyContent()}
		out["304"] = tree{"description": "The file is the one the caller has."}
		out["416"] = tree{"description": "The file has no such range.", "content": tree{"text/plain": tree{"schema": tree{"type": "string"}}}}
	case "follow_execution":
		out["204"] = tree{"description": "The execution is over, and all of it was told: do not come back."}
	}
	for _, status := range errs {
		out[strconv.Itoa(status)] = tree{"$ref": "#/components/responses/E" + strconv.Itoa(status)}
	}
	if r.Method == http.MethodHead {
		for status := range out {
			out[status] = tree{"description": "As for GET, without the body."}
		}
	}
	return out
}

func anyContent() tree {
	return tree{"*/*": tree{"schema": tree{"type": "string", "contentMediaType": "application/octet-stream"}}}
}

func (d *apiDocument) success(c *service.Capability, r service.Route) tree {
	name := schemaName(c.Name) + "Result"
	output, err := readSchema(c.Output.JSON)
	if err != nil {
		output = tree{"type": "object"}
	}
	delete(output, "additionalProperties") // results may grow
	response := tree{"description": c.Title + "."}
	switch {
	case c.Name == "follow_execution":
		d.schemas["ExecutionEvent"] = output
		response["description"] = "Server-sent events: the data of each is an ExecutionEvent, its id the event's seq; {\"type\":\"error\"} tells a fault, the event \"reconnect\" to connect again."
		response["content"] = tree{"text/event-stream": tree{"schema": tree{"type": "string"}}}
		return response
	case strings.HasPrefix(c.Name, "download_"):
		response["content"] = anyContent()
		return response
	}
	d.schemas[name] = output
	response["content"] = tree{"application/json": tree{"schema": ref(name), "example": exampleOf(c.Name+"_result", output)}}
	if h := answerHeaderSchemas(c, r); len(h) > 0 {
		response["headers"] = h
	}
	return response
}

func answerHeaderSchemas(c *service.Capability, r service.Route) tree {
	out := tree{}
	text := func(description string) tree {
		return tree{"schema": tree{"type": "string"}, "description": description}
	}
	if c.Name == "get_workflow" || c.Name == "create_workflow" || c.Name == "update_workflow" {
		out["ETag"] = text("The version, for If-Match.")
	}
	if r.Status == http.StatusCreated && c.Name != "create_execution_ticket" && c.Name != "create_credential" || r.Status == http.StatusAccepted {
		out["Location"] = text("Where it is found.")
	}
	return out
}

// errorSchema is errorBody.
func errorSchema() tree {
	text := func(description string) tree { return tree{"type": "string", "description": description} }
	return tree{"type": "object", "required": []string{"error", "message", "request_id"}, "properties": tree{
		"error": text("A code for programs."), "message": text("What is wrong and what to do, for people."), "request_id": text("Names this request in the log."),
		"path": text("Of unhandled errors."),
		"details": tree{"type": "object", "description": "What programs can use.", "properties": tree{
			"fields": tree{"type": "array", "items": tree{"type": "object", "required": []string{"field", "message"}, "properties": tree{
				"field": text("Where, such as nodes[2].parameters.url."), "message": text("What."), "hint": text("How to mend it.")}}},
			"retry_after": tree{"type": "integer", "description": "Seconds."}}}}}
}

// errorResponses are the errors that routes answer, by status.
func errorResponses() tree {
	out := tree{}
	for status, what := range map[int]struct {
		description string
		example     errorBody
	}{
		400: {"The request is not right: details.fields says where.", errorBody{Error: "invalid_argument", Message: "limit: must be at most 200", Details: map[string]any{"fields": []workflow.FieldError{{Field: "limit", Message: "must be at most 200"}}}}},
		401: {"Nobody is signed in.", errorBody{Error: "missing_token", Message: "sign in and send the access token as Authorization: Bearer"}},
		403: {"The caller may not do this.", errorBody{Error: "admin_required", Message: "this is for the role admin"}},
		404: {"There is no such thing of the caller's.", errorBody{Error: "not_found", Message: "There is no workflow \"…\"."}},
		409: {"It does not fit how things stand, or somebody was faster.", errorBody{Error: "conflict", Message: "The workflow was changed meanwhile."}},
		413: {"The body is too large.", errorBody{Error: "too_large", Message: "the request body is larger than 4194304 bytes", Details: map[string]any{"limit_bytes": 4194304}}},
		415: {"The body is of another type than is read here.", errorBody{Error: "unsupported_media_type", Message: "the body must be JSON: send Content-Type: application/json"}},
		422: {"The workflow cannot run as it is.", errorBody{Error: "workflow_not_runnable", Message: "The workflow has faults."}},
		429: {"Too many calls; Retry-After says how long to wait.", errorBody{Error: "rate_limit_exceeded", Message: "too many calls", Details: map[string]any{"retry_after": 12}}},
		500: {"Unhandled; logged under request_id.", errorBody{Error: "internal_server_error", Message: "An internal error occurred. It was logged with this request's id.", Path: "/api/app/workflows"}},
		502: {"What this calls failed.", errorBody{Error: "downstream_failed", Message: "The workflow agent failed."}},
		503: {"Something this needs cannot be reached.", errorBody{Error: "unavailable", Message: "The database cannot be reached."}},
		504: {"It took too long.", errorBody{Error: "timeout", Message: "the request took too long"}},
	} {
		what.example.RequestID = "0198a000-0000-7000-8000-00000000000f"
		out["E"+strconv.Itoa(status)] = tree{"description": what.description,
			"content": tree{"application/json": tree{"schema": ref("Error"), "example": what.example}}}
	}
	return out
}

// serveOpenAPI answers with the document.
func (s *Server) serveOpenAPI(c echo.Context) error {
	document, err := s.openapi()
	if err != nil {
		return err
	}
	tag := strconv.Quote(fmt.Sprintf("%x", sha256.Sum256(document))[:16])
	h := c.Response().Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	if c.Request().Header.Get("If-None-Match") == tag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, contentJSON, document)
}
