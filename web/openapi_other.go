package web

import (
	"net/http"
	"time"

	"flowgate/internal/auth"
)

// operation is a route that no capability stands behind.
type operation struct {
	method, path string
	operation    tree
}

// otherOperations are the routes that are not in the capability table.
func (s *Server) otherOperations() []operation {
	text, flag := tree{"type": "string"}, tree{"type": "boolean"}
	moment := tree{"type": "string", "format": "date-time"}
	open := []tree{}
	ops := []operation{
		{"GET", "/", describe("get_root", "Name, version and links", "Public", open, object(tree{"name": text, "version": text, "links": tree{"type": "object", "additionalProperties": true}}))},
		{"GET", "/livez", describe("get_livez", "Whether the process lives", "Public", open, object(tree{"status": text}))},
		{"GET", "/readyz", alsoFails(describe("get_readyz", "Whether requests are taken", "Public", open, object(tree{"status": text})), object(tree{"status": text}))},
		{"GET", "/.well-known/oauth-protected-resource", describe("get_resource_metadata", "How MCP clients authenticate (RFC 9728)", "Public", open,
			object(tree{"resource": text, "scopes_supported": tree{"type": "array", "items": text}}))},
	}
	health := object(tree{"status": tree{"type": "string", "enum": []string{"healthy", "degraded", "unhealthy"}}, "version": text, "timestamp": moment,
		"checks": object(tree{"database": flag, "redis": flag, "grpc": flag, "public_api": flag, "app_api": flag, "mcp_api": flag,
			"supabase_rest": flag, "supabase_storage": flag})})
	ops = append(ops, operation{"GET", "/health", alsoFails(describe("get_health", "How the server is", "Public", open, health), health)})
	if !s.PublicOff {
		ops = append(ops,
			operation{"GET", "/api/public/health", alsoFails(describe("get_public_health", "How the server is", "Public", open, health), health)},
			operation{"GET", "/api/public/status", describe("get_public_status", "What is switched on", "Public", open,
				object(tree{"name": text, "version": text, "environment": text, "timestamp": moment, "features": tree{"type": "object", "additionalProperties": true}}))},
			operation{"GET", "/api/public/info", describe("get_public_info", "What this is", "Public", open,
				object(tree{"name": text, "version": text, "status": text, "timestamp": moment, "features": tree{"type": "array", "items": text}}))},
			operation{"GET", "/api/public/docs", tree{"operationId": "get_public_docs", "summary": "To the interactive documentation", "tags": []string{"Public"}, "security": open,
				"responses": tree{"302": tree{"description": "It is at Location.", "headers": tree{"Location": tree{"schema": text, "description": "/docs"}}}, "429": tree{"$ref": "#/components/responses/E429"}}}})
	}
	if !s.AppOff {
		list := tree{"type": "array", "items": text}
		ops = append(ops, operation{"GET", "/api/app/auth/profile", describe("get_profile", "Who is signed in", "Account", nil,
			object(tree{"sub": text, "id": text, "email": text, "email_confirmed": flag, "is_anonymous": flag, "roles": list, "metadata": tree{"type": "object", "additionalProperties": true}}))})
	}
	if !s.MCPOff {
		ops = append(ops, s.facadeOperations()...)
	}
	return ops
}

func (s *Server) facadeOperations() []operation {
	text, flag := tree{"type": "string"}, tree{"type": "boolean"}
	byKey := []tree{{"apiKey": []string{}}, {"keyToken": []string{}}}
	tool := object(tree{"name": text, "title": text, "description": text, "category": text, "required_scope": text,
		"inputSchema": tree{"type": "object", "additionalProperties": true}, "outputSchema": tree{"type": "object", "additionalProperties": true}, "annotations": tree{"type": "object", "additionalProperties": true}})
	ops := []operation{
		{"GET", "/api/mcp/tools", describe("list_tools", "The tools the key may call", "MCP", byKey, object(tree{"tools": tree{"type": "array", "items": tool}}))},
		{"GET", "/api/mcp/tools/{tool_name}", describe("get_tool", "One tool", "MCP", byKey, tool)},
		{"POST", "/api/mcp/invoke", describe("invoke_tool", "Call a tool", "MCP", byKey, object(tree{"success": flag, "result": tree{"type": "object", "additionalProperties": true}}))},
		{"GET", "/api/mcp/health", describe("get_mcp_health", "How the server is, and what the key may call", "MCP", byKey,
			object(tree{"healthy": flag, "version": text, "available_tools": tree{"type": "array", "items": text}, "timestamp": tree{"type": "string", "format": "date-time"}}))},
	}
	ops[1].operation["parameters"] = []tree{{"name": "tool_name", "in": "path", "required": true, "schema": text, "example": "search_workflows"}}
	body := object(tree{"tool_name": text, "params": tree{"type": "object", "additionalProperties": true, "description": "The tool's arguments, as its inputSchema says."}})
	body["required"] = []string{"tool_name"}
	body["additionalProperties"] = false
	ops[2].operation["requestBody"] = tree{"required": true, "content": tree{"application/json": tree{"schema": body,
		"example": tree{"tool_name": "search_workflows", "params": tree{"query": "invoices"}}}}}
	for _, o := range ops {
		responses, _ := o.operation["responses"].(tree)
		for _, status := range []string{"400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "502", "503", "504"} {
			responses[status] = tree{"description": "The call failed.", "content": tree{"application/json": tree{"schema": ref("FacadeError")}}}
		}
	}
	return ops
}

// describe is an operation with one JSON answer.
func describe(id, summary, tag string, security []tree, schema tree) tree {
	op := tree{"operationId": id, "summary": summary, "description": summary + ".", "tags": []string{tag}, "responses": tree{
		"200": tree{"description": summary + ".", "content": tree{"application/json": tree{"schema": schema, "example": sampleOf("", schema)}}},
		"429": tree{"$ref": "#/components/responses/E429"}, "500": tree{"$ref": "#/components/responses/E500"}}}
	if security != nil {
		op["security"] = security
		return op
	}
	responses, _ := op["responses"].(tree)
	responses["400"], responses["401"] = tree{"$ref": "#/components/responses/E400"}, tree{"$ref": "#/components/responses/E401"}
	responses["503"] = tree{"$ref": "#/components/responses/E503"}
	return op
}

// alsoFails adds the answer of a server that cannot work.
func alsoFails(op, schema tree) tree {
	responses, _ := op["responses"].(tree)
	responses["503"] = tree{"description": "It cannot work at the moment.", "content": tree{"application/json": tree{"schema": schema}}}
	return op
}

func object(properties tree) tree { return tree{"type": "object", "properties": properties} }

func facadeErrorSchema() tree {
	text := tree{"type": "string"}
	return tree{"type": "object", "required": []string{"success", "error", "error_type", "error_id", "request_id", "retryable", "timestamp"}, "properties": tree{
		"success": tree{"type": "boolean"}, "error": text, "error_type": tree{"type": "string", "enum": facadeErrorTypes()}, "details": tree{},
		"error_id": text, "request_id": text, "retryable": tree{"type": "boolean"}, "retry_after": tree{"type": []string{"integer", "null"}},
		"timestamp": text, "recovery_suggestions": tree{"type": "array", "items": text}, "support_info": tree{"type": "object", "additionalProperties": true}}}
}

func facadeErrorTypes() []string {
	return []string{"VALIDATION_ERROR", "TOOL_NOT_FOUND", "PARAMETER_ERROR", "AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR", "RATE_LIMIT_ERROR",
		"SERVICE_ERROR", "INTERNAL_ERROR", "DATABASE_ERROR", "NETWORK_ERROR", "TIMEOUT_ERROR"}
}

// exampleOf is an example of an object: one written by hand, else one that
// follows from the schema.
func exampleOf(id string, schema tree) any {
	if e, ok := examples()[id]; ok {
		return e
	}
	return sampleOf("", schema)
}

// examples are those that say more than a schema can.
func examples() map[string]any {
	nodes := []tree{{"id": "1", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": []int{0, 0}, "parameters": tree{}},
		{"id": "2", "name": "Greet", "type": "n8n-nodes-base.set", "typeVersion": 3.4, "position": []int{200, 0}, "parameters": tree{
			"assignments": tree{"assignments": []tree{{"id": "a", "name": "text", "type": "string", "value": "=Hello {{ $json.name }}"}}}}}}
	connections := tree{"Start": tree{"main": [][]tree{{{"node": "Greet", "type": "main", "index": 0}}}}}
	return map[string]any{
		"create_workflow":   tree{"name": "Greet", "nodes": nodes, "connections": connections},
		"update_workflow":   tree{"name": "Greet warmly", "version": 1},
		"validate_workflow": tree{},
		"execute_workflow":  tree{"inputs": tree{"name": "Ada"}},
		"resume_execution":  tree{"response": tree{"approved": true, "comment": "go on"}},
		"retry_execution":   tree{"from": "failed_node"},
		"create_credential": tree{"name": "My API", "type": "httpHeaderAuth", "data": tree{"name": "X-API-Key", "value": "…"}},
		"preview_expression": tree{"expression": "{{ $json.name.toUpperCase() }}",
			"items": []tree{{"name": "Ada"}}},
		"preview_expression_result": tree{"valid": true, "value": "ADA", "type": "string"},
	}
}

// sampleOf is a value that fits a schema.
func sampleOf(name string, schema tree) any {
	if d, ok := schema["default"]; ok {
		return d
	}
	if list, ok := schema["enum"].([]any); ok && len(list) > 0 {
		return list[0]
	}
	if list, ok := schema["enum"].([]string); ok && len(list) > 0 {
		return list[0]
	}
	kind, _ := schema["type"].(string)
	if kinds, ok := schema["type"].([]any); ok && len(kinds) > 0 {
		for _, k := range kinds {
			if k != "null" {
				kind, _ = k.(string)
			}
		}
	}
	switch kind {
	case "object":
		out := tree{}
		props, _ := schema["properties"].(tree)
		for n, p := range props {
			if p, ok := p.(tree); ok {
				out[n] = sampleOf(n, p)
			}
		}
		return out
	case "array":
		if items, ok := schema["items"].(tree); ok {
			return []any{sampleOf("", items)}
		}
		return []any{}
	case "integer", "number":
		if least, ok := schema["minimum"]; ok {
			return least
		}
		return 1
	case "boolean":
		return true
	case "string":
		return sampleText(name, schema)
	}
	return tree{}
}

func sampleText(name string, schema tree) string {
	if schema["format"] == "date-time" {
		return time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC).Format(time.RFC3339)
	}
	if text, ok := map[string]string{"workflow_id": "0198a000-0000-7000-8000-000000000001", "execution_id": "0198a000-0000-7000-8000-000000000002",
		"file_id": "0198a000-0000-7000-8000-000000000003", "credential_id": "0198a000-0000-7000-8000-000000000004",
		"session_id": "0198a000-0000-7000-8000-000000000005", "type": "n8n-nodes-base.set", "name": "Greet", "status": "success", "mode": "manual",
		"email": "ada@example.org", "required_scope": auth.ScopeWorkflowsRead, "url": "https://example.org/", "method": http.MethodGet}[name]; ok {
		return text
	}
	return "text"
}
