package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// What the conformance suite's scenarios call, beside the product's own: each
// tool, resource and prompt as the scenario's description wants it.

// Media as small as they can be: an image of one dot, and no sound.
const (
	dotPNG  = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	hushWAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
)

type toolFunc = func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error)

// fixtures adds them to a server.
func fixtures(s *server.MCPServer) {
	s.EnableSampling()
	contentFixtures(s)
	askingFixtures(s)
	roundTripFixtures(s)
	resourceFixtures(s)
	promptFixtures(s)
}

func tool(s *server.MCPServer, name string, f toolFunc, options ...protocol.ToolOption) {
	s.AddTool(protocol.NewTool(name, append(options, protocol.WithDescription("fixture "+name))...), f)
}

func returns(content ...protocol.Content) toolFunc {
	return func(context.Context, protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		return &protocol.CallToolResult{Content: content}, nil
	}
}

func contentFixtures(s *server.MCPServer) {
	text := protocol.TextResourceContents{URI: "test://embedded-resource", MIMEType: "text/plain", Text: "This is an embedded resource content."}
	mixed := protocol.TextResourceContents{URI: "test://mixed-content-resource", MIMEType: "application/json", Text: `{"test":"data","value":123}`}
	tool(s, "test_simple_text", returns(protocol.NewTextContent("This is a simple text response for testing.")))
	tool(s, "test_image_content", returns(protocol.NewImageContent(dotPNG, "image/png")))
	tool(s, "test_audio_content", returns(protocol.NewAudioContent(hushWAV, "audio/wav")))
	tool(s, "test_embedded_resource", returns(protocol.NewEmbeddedResource(text)))
	tool(s, "test_multiple_content_types", returns(protocol.NewTextContent("Multiple content types test:"), protocol.NewImageContent(dotPNG, "image/png"), protocol.NewEmbeddedResource(mixed)))
	tool(s, "test_error_handling", func(context.Context, protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		return protocol.NewToolResultError("This tool intentionally returns an error for testing"), nil
	})
	tool(s, "test_logging_tool", returns(protocol.NewTextContent("nothing logged")))
	tool(s, "test_missing_capability", func(ctx context.Context, _ protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		info := server.RequestProtocolInfoFromContext(ctx)
		if info == nil || info.ClientCapabilities == nil || info.ClientCapabilities.Sampling == nil {
			return nil, errors.New("the client did not declare sampling")
		}
		return protocol.NewToolResultText("declared"), nil
	})
	tool(s, "test_tool_with_logging", says(s, func(protocol.CallToolRequest) []map[string]any {
		var out []map[string]any
		for _, text := range []string{"Tool execution started", "Tool processing data", "Tool execution completed"} {
			out = append(out, map[string]any{"level": "info", "logger": "fixture", "data": text})
		}
		return out
	}, "notifications/message"))
	tool(s, "test_tool_with_progress", says(s, func(req protocol.CallToolRequest) []map[string]any {
		var out []map[string]any
		if req.Params.Meta != nil && req.Params.Meta.ProgressToken != nil {
			for _, done := range []int{0, 50, 100} {
				out = append(out, map[string]any{"progressToken": req.Params.Meta.ProgressToken, "progress": done, "total": 100})
			}
		}
		return out
	}, "notifications/progress"))
	s.AddTool(protocol.NewToolWithRawSchema("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", json.RawMessage(schema2020)),
		returns(protocol.NewTextContent("ok")))
	s.AddTool(protocol.NewToolWithRawSchema("test_custom_header", "Tool with a parameter that travels in a header, too",
		json.RawMessage(`{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}},"required":["region"]}`)), returns(protocol.NewTextContent("ok")))
	tool(s, "test_trigger_tool_change", func(context.Context, protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		tool(s, "test_appears", returns(protocol.NewTextContent("here")))
		return protocol.NewToolResultText("changed"), nil
	})
}

// says is a tool that sends notifications, a moment apart, and waits for the
// last to be on its way.
func says(s *server.MCPServer, what func(protocol.CallToolRequest) []map[string]any, method string) toolFunc {
	return func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		for _, params := range what(req) {
			if err := s.SendNotificationToClient(ctx, method, params); err != nil {
				return nil, err
			}
			time.Sleep(50 * time.Millisecond)
		}
		return protocol.NewToolResultText("said"), nil
	}
}

const schema2020 = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
"allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],"if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},
"then":{"required":["phone"]},"else":{"required":["email"]},"additionalProperties":false}`

// askingFixtures ask the client by requests of the server's own, as the older
// generation does.
func askingFixtures(s *server.MCPServer) {
	tool(s, "test_sampling", func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		out, err := s.RequestSampling(ctx, protocol.CreateMessageRequest{Request: protocol.Request{Method: string(protocol.MethodSamplingCreateMessage)}, //nolint:staticcheck // the older generation has it
			CreateMessageParams: sampling(req.GetString("prompt", ""), 100)})
		if err != nil {
			return protocol.NewToolResultError(err.Error()), nil
		}
		return protocol.NewToolResultText(fmt.Sprintf("LLM response: %v", out.Content)), nil
	}, protocol.WithString("prompt", protocol.Required()))
	elicits := func(name string, message func(protocol.CallToolRequest) string, properties string, required ...string) {
		tool(s, name, func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
			schema := map[string]any{"type": "object", "properties": json.RawMessage(properties)}
			if len(required) > 0 {
				schema["required"] = required
			}
			out, err := s.RequestElicitation(ctx, protocol.ElicitationRequest{Request: protocol.Request{Method: string(protocol.MethodElicitationCreate)},
				Params: protocol.ElicitationParams{Message: message(req), RequestedSchema: schema}})
			if err != nil {
				return protocol.NewToolResultError(err.Error()), nil
			}
			return protocol.NewToolResultText(fmt.Sprintf("User response: action=%s, content=%v", out.Action, out.Content)), nil
		})
	}
	elicits("test_elicitation", func(req protocol.CallToolRequest) string { return req.GetString("message", "?") },
		`{"username":{"type":"string","description":"User's response"},"email":{"type":"string","description":"User's email address"}}`, "username", "email")
	fixed := func(text string) func(protocol.CallToolRequest) string {
		return func(protocol.CallToolRequest) string { return text }
	}
	elicits("test_elicitation_sep1034_defaults", fixed("Review these"), `{"name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},
		"score":{"type":"number","default":95.5},"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},"verified":{"type":"boolean","default":true}}`)
	elicits("test_elicitation_sep1330_enums", fixed("Choose"), `{"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
		"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},
		"legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["Option One","Option Two","Option Three"]},
		"untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
		"titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}`)
}

func sampling(text string, most int) protocol.CreateMessageParams {
	return protocol.CreateMessageParams{MaxTokens: most,
		Messages: []protocol.SamplingMessage{{Role: protocol.RoleUser, Content: protocol.NewTextContent(text)}}}
}

func elicitation(message, field, kind string) protocol.ElicitationParams {
	return protocol.ElicitationParams{Mode: protocol.ElicitationModeForm, Message: message, RequestedSchema: map[string]any{"type": "object",
		"properties": map[string]any{field: map[string]any{"type": kind}}, "required": []string{field}}}
}

// said is a field of the user's answer under id; false without a proper one.
func said(r protocol.MultiRoundTripParams, id, field string) (any, bool) {
	answer := server.ElicitationResponse(r.InputResponses, id)
	if answer == nil || answer.Action == "" {
		return nil, false
	}
	content, _ := answer.Content.(map[string]any)
	v, ok := content[field]
	return v, ok
}

// roundTripFixtures ask the client by results, as the newer generation does.
func roundTripFixtures(s *server.MCPServer) {
	round := func(name string, f func(ctx context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error)) {
		tool(s, "test_input_required_result_"+name, func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
			return f(ctx, req.Params.MultiRoundTripParams)
		})
	}
	ask := server.NewInputRequestBuilder
	round("elicitation", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		if name, ok := said(r, "user_name", "name"); ok {
			return protocol.NewToolResultText(fmt.Sprintf("Hello, %v!", name)), nil
		}
		return ask("").Elicit("user_name", elicitation("What is your name?", "name", "string")).ToolResult(), nil
	})
	tool(s, "test_streaming_elicitation", func(_ context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		if _, ok := said(req.Params.MultiRoundTripParams, "user_name", "name"); ok {
			return protocol.NewToolResultText("answered"), nil
		}
		return ask("").Elicit("user_name", elicitation("What is your name?", "name", "string")).ToolResult(), nil
	})
	round("sampling", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		if out := server.SamplingResponse(r.InputResponses, "capital_question"); out != nil {
			return protocol.NewToolResultText(fmt.Sprintf("It says %v", out.Content)), nil
		}
		return ask("").Sample("capital_question", sampling("What is the capital of France?", 100)).ToolResult(), nil
	})
	round("list_roots", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		if out := server.RootsResponse(r.InputResponses, "client_roots"); out != nil {
			return protocol.NewToolResultText(fmt.Sprintf("Roots: %v", out.Roots)), nil
		}
		return ask("").Roots("client_roots").ToolResult(), nil
	})
	round("request_state", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		if _, ok := said(r, "confirm", "ok"); ok && r.RequestState == "one" {
			return protocol.NewToolResultText("state-ok"), nil
		}
		return ask("one").Elicit("confirm", elicitation("Please confirm", "ok", "boolean")).ToolResult(), nil
	})
	round("multiple_inputs", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		if len(r.InputResponses) >= 3 && r.RequestState == "three" {
			return protocol.NewToolResultText("All answered"), nil
		}
		return ask("three").Elicit("user_name", elicitation("What is your name?", "name", "string")).
			Sample("greeting", sampling("Generate a greeting", 50)).Roots("client_roots").ToolResult(), nil
	})
	round("multi_round", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		if color, ok := said(r, "step2", "color"); ok && r.RequestState == "second" {
			return protocol.NewToolResultText(fmt.Sprintf("Done: %v", color)), nil
		}
		if _, ok := said(r, "step1", "name"); ok && r.RequestState == "first" {
			return ask("second").Elicit("step2", elicitation("Step 2: What is your favorite color?", "color", "string")).ToolResult(), nil
		}
		return ask("first").Elicit("step1", elicitation("Step 1: What is your name?", "name", "string")).ToolResult(), nil
	})
	round("tampered_state", func(_ context.Context, r protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		switch r.RequestState {
		case "":
			return ask("intact").Elicit("confirm", elicitation("Please confirm", "ok", "boolean")).ToolResult(), nil
		case "intact":
			return protocol.NewToolResultText("confirmed"), nil
		}
		return nil, errors.New("the state was changed")
	})
	round("capabilities", func(ctx context.Context, _ protocol.MultiRoundTripParams) (*protocol.CallToolResult, error) {
		b := ask("")
		if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.ClientCapabilities != nil {
			if info.ClientCapabilities.Sampling != nil {
				b.Sample("greeting", sampling("Generate a greeting", 50))
			}
			if info.ClientCapabilities.Elicitation != nil {
				b.Elicit("user_name", elicitation("What is your name?", "name", "string"))
			}
		}
		return b.ToolResult(), nil
	})
}

func resourceFixtures(s *server.MCPServer) {
	s.AddResource(protocol.NewResource("test://static-text", "Static text", protocol.WithMIMEType("text/plain")),
		func(context.Context, protocol.ReadResourceRequest) ([]protocol.ResourceContents, error) {
			return []protocol.ResourceContents{protocol.TextResourceContents{URI: "test://static-text", MIMEType: "text/plain", Text: "This is the content of the static text resource."}}, nil
		})
	s.AddResource(protocol.NewResource("test://static-binary", "Static binary", protocol.WithMIMEType("image/png")),
		func(context.Context, protocol.ReadResourceRequest) ([]protocol.ResourceContents, error) {
			return []protocol.ResourceContents{protocol.BlobResourceContents{URI: "test://static-binary", MIMEType: "image/png", Blob: dotPNG}}, nil
		})
	s.AddResource(protocol.NewResource("test://watched-resource", "Watched", protocol.WithMIMEType("text/plain")),
		func(context.Context, protocol.ReadResourceRequest) ([]protocol.ResourceContents, error) {
			return []protocol.ResourceContents{protocol.TextResourceContents{URI: "test://watched-resource", MIMEType: "text/plain", Text: "still"}}, nil
		})
	s.AddResourceTemplate(protocol.NewResourceTemplate("test://template/{id}/data", "Template", protocol.WithTemplateMIMEType("application/json")),
		func(_ context.Context, req protocol.ReadResourceRequest) ([]protocol.ResourceContents, error) {
			id := strings.TrimSuffix(strings.TrimPrefix(req.Params.URI, "test://template/"), "/data")
			return []protocol.ResourceContents{protocol.TextResourceContents{URI: req.Params.URI, MIMEType: "application/json",
				Text: fmt.Sprintf(`{"id":%q,"templateTest":true,"data":%q}`, id, "Data for ID: "+id)}}, nil
		})
}

func promptFixtures(s *server.MCPServer) {
	prompt := func(name string, f server.PromptHandlerFunc, arguments ...protocol.PromptArgument) {
		s.AddPrompt(protocol.Prompt{Name: name, Description: "fixture " + name, Arguments: arguments}, f)
	}
	says := func(content ...protocol.Content) *protocol.GetPromptResult {
		out := &protocol.GetPromptResult{}
		for _, c := range content {
			out.Messages = append(out.Messages, protocol.NewPromptMessage(protocol.RoleUser, c))
		}
		return out
	}
	prompt("test_simple_prompt", func(context.Context, protocol.GetPromptRequest) (*protocol.GetPromptResult, error) {
		return says(protocol.NewTextContent("This is a simple prompt for testing.")), nil
	})
	prompt("test_prompt_with_arguments", func(_ context.Context, req protocol.GetPromptRequest) (*protocol.GetPromptResult, error) {
		a := req.Params.Arguments
		return says(protocol.NewTextContent(fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", a["arg1"], a["arg2"]))), nil
	}, protocol.PromptArgument{Name: "arg1", Required: true}, protocol.PromptArgument{Name: "arg2", Required: true})
	prompt("test_prompt_with_embedded_resource", func(_ context.Context, req protocol.GetPromptRequest) (*protocol.GetPromptResult, error) {
		return says(protocol.NewEmbeddedResource(protocol.TextResourceContents{URI: req.Params.Arguments["resourceUri"], MIMEType: "text/plain",
			Text: "Embedded resource content for testing."}), protocol.NewTextContent("Please process the embedded resource above.")), nil
	}, protocol.PromptArgument{Name: "resourceUri", Required: true})
	prompt("test_prompt_with_image", func(context.Context, protocol.GetPromptRequest) (*protocol.GetPromptResult, error) {
		return says(protocol.NewImageContent(dotPNG, "image/png"), protocol.NewTextContent("Please analyze the image above.")), nil
	})
	prompt("test_input_required_result_prompt", func(_ context.Context, req protocol.GetPromptRequest) (*protocol.GetPromptResult, error) {
		if text, ok := said(req.Params.MultiRoundTripParams, "user_context", "context"); ok {
			return says(protocol.NewTextContent(fmt.Sprint("In the context of ", text))), nil
		}
		return server.NewInputRequestBuilder("").Elicit("user_context", elicitation("What context should the prompt use?", "context", "string")).PromptResult(), nil
	})
}
