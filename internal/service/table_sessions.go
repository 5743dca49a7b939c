package service

import (
	"fmt"
	"strings"

	"flowgate/internal/auth"
)

// sessionCapabilities are conversations with the workflow agent.
func (s *Service) sessionCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "start_session", Title: "Begin a conversation", Group: "Conversations", Scope: auth.ScopeAgentChat,
			Description: "Begins a conversation with the workflow agent, which makes, edits or copies a workflow by plain words (English or Chinese). Then send_message.",
			Routes:      []Route{{Method: "POST", Path: "/sessions", Status: 201}},
		}, s.StartSession, func(v *StartedSession) string { return v.SessionID + " (" + v.Action + "); go on with send_message" }),
		row(Capability{
			Name: "send_message", Title: "Talk to the workflow agent", Group: "Conversations", Scope: auth.ScopeAgentChat, OpenWorld: true, waits: true,
			Description: "Tells the agent what is wanted, or answers its question (1-N for alternatives), and waits. stage negotiation: an answer is awaited; completed: the workflow is saved under workflow_id.",
		}, s.SendMessage, textAnswer),
		row(Capability{
			Name: "get_session", Title: "Get a conversation", Group: "Conversations", Scope: auth.ScopeAgentChat, ReadOnly: true, Idempotent: true,
			Description: "Returns a conversation's stage, pending questions or alternatives, and workflow.",
			Routes:      []Route{{Method: "GET", Path: "/sessions/{session_id}", Status: 200}},
		}, s.Session, textSession),
		row(Capability{
			Name: "list_sessions", Title: "List conversations", Group: "Conversations", Scope: auth.ScopeAgentChat, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists your conversations, newest first.",
			Routes:      []Route{{Method: "GET", Path: "/auth/sessions", Status: 200}, {Method: "GET", Path: "/sessions", Status: 200}},
		}, s.ListSessions, func(o *SessionList) string { return fmt.Sprintf("%d conversations", o.Total) }),
		row(Capability{
			Name: "update_session", Title: "Change a conversation", Group: "Conversations", Scope: auth.ScopeAgentChat, Idempotent: true, RESTOnly: true,
			Description: "Changes a conversation's title, status, meta_data or language model.",
			Routes:      []Route{{Method: "PUT", Path: "/sessions/{session_id}", Status: 200}},
		}, s.UpdateSession, textSession),
		row(Capability{
			Name: "delete_session", Title: "Delete a conversation", Group: "Conversations", Scope: auth.ScopeAgentChat, Idempotent: true, Destructive: true, RESTOnly: true,
			Description: "Deletes a conversation with all that was said in it. The workflow it made stays.",
			Routes:      []Route{{Method: "DELETE", Path: "/sessions/{session_id}", Status: 200}},
		}, s.DeleteSession, func(d *DeletedSession) string { return d.SessionID + " is deleted" }),
		rawRow[SendMessageInput, ChatEvent](Capability{
			Name: "chat", Title: "Talk and follow the answer", Group: "Conversations", Scope: auth.ScopeAgentChat, OpenWorld: true,
			Description: "Takes a message and sends the agent's answer as server-sent events: changes of stage, messages, the workflow. The turn goes on when the client leaves. 409 while another answer is under way.",
			Routes:      []Route{{Method: "POST", Path: "/chat/stream", Status: 200}},
		}),
		rawRow[FollowChatInput, ChatEvent](Capability{
			Name: "follow_chat", Title: "Follow a conversation", Group: "Conversations", Scope: auth.ScopeAgentChat, ReadOnly: true, Idempotent: true,
			Description: "Sends a conversation's events as server-sent events: those kept behind Last-Event-ID or after, then each as it happens.",
			Routes:      []Route{{Method: "GET", Path: "/chat/{session_id}/stream", Status: 200}},
		}),
		rawRow[GetSessionInput, Ticket](Capability{
			Name: "create_chat_ticket", Title: "Get a ticket to follow a conversation", Group: "Conversations", Scope: auth.ScopeAgentChat, Idempotent: true,
			Description: "Gives an address that opens the conversation's stream for ten minutes without a header, for EventSource clients.",
			Routes:      []Route{{Method: "POST", Path: "/chat/{session_id}/ticket", Status: 201}},
		}),
		row(Capability{
			Name: "list_messages", Title: "List what was said", Group: "Conversations", Scope: auth.ScopeAgentChat, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists what was said in a conversation, oldest first.",
			Routes:      []Route{{Method: "GET", Path: "/chat/{session_id}/messages", Status: 200}},
		}, s.Messages, func(o *MessageList) string { return fmt.Sprintf("%d messages", o.Total) }),
	}
}

func textAnswer(a *Answer) string {
	var b strings.Builder
	b.WriteString(strings.Join(a.Messages, "\n\n"))
	fmt.Fprintf(&b, "\n\nstage: %s", a.Stage)
	if a.WorkflowID != "" {
		b.WriteString("\nworkflow_id: " + a.WorkflowID)
	}
	if a.Failure != "" {
		b.WriteString("\nerror: " + a.Failure)
	}
	return b.String()
}

func textSession(v *SessionView) string {
	text := fmt.Sprintf("%s  %s, stage %s", v.SessionID, v.Title, v.Stage)
	for i, q := range v.Questions {
		text += fmt.Sprintf("\n%d. %s", i+1, q)
	}
	for i, a := range v.Alternatives {
		text += fmt.Sprintf("\n%d. %s", i+1, a)
	}
	if v.WorkflowID != "" {
		text += "\nworkflow_id: " + v.WorkflowID
	}
	return text
}
