package mcp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/auth"
	"flowgate/internal/seal"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// Some calls a person has to answer for: before a workflow is deleted, or to
// answer what a waiting execution asks. Where the client can ask its user
// (elicitation), the call asks first. What is asked travels with the client
// and back as a sealed state, which counts for its caller, tool and target
// alone, and for a while.

// answerTime is how long a person may take.
const answerTime = 10 * time.Minute

// answerKey names the one question of a call.
const answerKey = "answer"

// askBox seals states, under a key of their own made from the sessions'.
func askBox(sessionKey []byte) (*seal.Box, error) {
	m := hmac.New(sha256.New, sessionKey)
	m.Write([]byte("flowgate elicitation state"))
	return seal.New(seal.Key{ID: "elicitation", Secret: m.Sum(nil)})
}

// state is what a sealed state holds beside what it is bound to.
type state struct {
	Expires time.Time `json:"expires"`
}

func (s *Server) sealState(ctx context.Context, c *service.Capability, q *service.Question) (string, error) {
	data, err := json.Marshal(state{Expires: s.now().Add(answerTime)})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.asks.Seal(data, statePlace(ctx, c, q)...)), nil
}

var errState = workflow.Errorf(workflow.CodeConflict, "the answer does not belong to this question, or came too late").WithReason("answer_not_accepted")

func (s *Server) openState(ctx context.Context, c *service.Capability, q *service.Question, text string) error {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errState
	}
	data, err := s.asks.Open(sealed, statePlace(ctx, c, q)...)
	var st state
	if err != nil || json.Unmarshal(data, &st) != nil || s.now().After(st.Expires) {
		return errState
	}
	return nil
}

// statePlace is what a state is bound to.
func statePlace(ctx context.Context, c *service.Capability, q *service.Question) []string {
	return []string{callerOf(auth.FromContext(ctx)), c.Name, q.Target}
}

// askingHandler does the work of a tool whose calls a person may have to
// answer for.
func (s *Server) askingHandler(c *service.Capability) server.ToolHandlerFunc {
	return func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		args, err := arguments(req)
		if err != nil {
			return s.failure(ctx, c, err).result(), nil
		}
		if info := server.RequestProtocolInfoFromContext(ctx); info == nil || !info.Modern {
			return s.callAsking(ctx, c, args, requestOf(req)).result(), nil
		}
		if canAsk(ctx) {
			var ask *protocol.CallToolResult
			if ask, args, err = s.ask(ctx, c, req, args); err != nil {
				return s.failure(ctx, c, err).result(), nil
			}
			if ask != nil {
				return ask, nil
			}
		}
		return s.call(ctx, c, args, requestOf(req)).result(), nil
	}
}

// callAsking does a tool's work for the older generation, after the person's
// answer where one is needed and can be had.
func (s *Server) callAsking(ctx context.Context, c *service.Capability, args json.RawMessage, r request) *toolResult {
	if client, ok := ctx.Value(askerKey{}).(asker); ok && c.Asks() && canAsk(ctx) {
		given, declined, err := s.askBack(ctx, c, client, args)
		switch {
		case errors.Is(err, errCannotAsk): // as if it had not said that it can
		case err != nil:
			return s.failure(ctx, c, err)
		case declined != "":
			return toolError("declined: " + declined + ".")
		default:
			args = given
		}
	}
	return s.call(ctx, c, args, r)
}

// askBack returns the arguments with the person's answer in them, or what to
// say when the person declined.
func (s *Server) askBack(ctx context.Context, c *service.Capability, client asker, args json.RawMessage) (_ json.RawMessage, declined string, _ error) {
	q, err := s.Service.Question(ctx, c.Name, args)
	if err != nil || q == nil {
		return args, "", err
	}
	raw, err := client.ask(ctx, string(protocol.MethodElicitationCreate), elicitation(q))
	if err != nil {
		return nil, "", err
	}
	var answer protocol.ElicitationResult
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, "", errCannotAsk
	}
	now, err := s.Service.Question(ctx, c.Name, args)
	if err != nil {
		return nil, "", err
	}
	if now == nil || now.Target != q.Target {
		return nil, "", errState
	}
	if answer.Action != protocol.ElicitationResponseActionAccept {
		return nil, q.Declined, nil
	}
	args, err = withAnswer(q, args, answer.Content)
	return args, "", err
}

func withAnswer(q *service.Question, args json.RawMessage, content any) (json.RawMessage, error) {
	given, err := workflow.FromGo(content)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "the answer is not an object of fields")
	}
	o, _ := given.(*workflow.Object)
	return q.Arguments(args, o)
}

func elicitation(q *service.Question) protocol.ElicitationParams {
	return protocol.ElicitationParams{Mode: protocol.ElicitationModeForm, Message: q.Message, RequestedSchema: q.Schema}
}

// ask returns the arguments to go on with: with the person's answer in them,
// when there was something to ask. With a result instead, that is what to
// return: the question, or that the person declined.
func (s *Server) ask(ctx context.Context, c *service.Capability, req protocol.CallToolRequest, args json.RawMessage) (*protocol.CallToolResult, json.RawMessage, error) {
	q, err := s.Service.Question(ctx, c.Name, args)
	if err != nil || q == nil {
		return nil, args, err
	}
	answer := server.ElicitationResponse(req.Params.InputResponses, answerKey)
	if answer == nil {
		ask, err := s.question(ctx, c, q)
		return ask, nil, err
	}
	if err := s.openState(ctx, c, q, req.Params.RequestState); err != nil {
		return nil, nil, err
	}
	if answer.Action != protocol.ElicitationResponseActionAccept {
		return toolError("declined: " + q.Declined + ".").result(), nil, nil
	}
	args, err = withAnswer(q, args, answer.Content)
	return nil, args, err
}

func (s *Server) question(ctx context.Context, c *service.Capability, q *service.Question) (*protocol.CallToolResult, error) {
	sealed, err := s.sealState(ctx, c, q)
	if err != nil {
		return nil, err
	}
	return server.NewInputRequestBuilder(sealed).Elicit(answerKey, elicitation(q)).ToolResult(), nil
}

type elicitsKey struct{}

// withElicits notes that the session's client can ask its user.
func withElicits(ctx context.Context, elicits bool) context.Context {
	return context.WithValue(ctx, elicitsKey{}, elicits)
}

// canAsk reports whether the client of this call said that it can ask its
// user to fill in a form.
func canAsk(ctx context.Context) bool {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		return info.ClientCapabilities != nil && fills(info.ClientCapabilities.Elicitation)
	}
	elicits, _ := ctx.Value(elicitsKey{}).(bool)
	return elicits
}

// fills reports whether a client fills in forms: the older revisions had
// nothing else, so a capability without details means them.
func fills(c *protocol.ElicitationCapability) bool {
	return c != nil && (c.Form != nil || c.URL == nil)
}
