package web

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// chatStream names the stream of the session in the path, for tickets.
func chatStream(c echo.Context) string { return "chat:" + pathParam(c, "session_id") }

// chat takes a message and streams its answer. The turn goes on when the
// client leaves; it finds what it missed at the session's stream.
func (s *Server) chat(c echo.Context) error {
	body, err := readObject(c)
	if err != nil {
		return err
	}
	args, err := json.Marshal(body)
	if err != nil {
		return err
	}
	var in service.SendMessageInput
	if err := s.Service.Capability("chat").Input.Decode(args, &in); err != nil {
		return err
	}
	release, err := s.Service.Hold(c.Request().Context()) // a message that is taken is answered
	if err != nil {
		return err
	}
	defer release()
	var after int64
	err = s.Service.Perform(c.Request().Context(), "chat", in, func(ctx context.Context) (err error) {
		after, err = s.Service.Chat(ctx, in.SessionID, in.Message)
		return err
	})
	if err != nil {
		return err
	}
	return s.stream(c, s.chatStreamOf(in.SessionID, after, true))
}

// followChat streams a session's events from where the client stopped.
func (s *Server) followChat(c echo.Context) error {
	after, err := resumeAfter(c)
	if err != nil {
		return err
	}
	id := pathParam(c, "session_id")
	if err := s.sessionFor(c, "follow_chat", id); err != nil {
		return err
	}
	return s.serveStream(c, s.chatStreamOf(id, after, false))
}

// chatTicket gives an address that opens a session's stream without a header.
func (s *Server) chatTicket(c echo.Context, prefix string) error {
	id := pathParam(c, "session_id")
	if err := s.sessionFor(c, "create_chat_ticket", id); err != nil {
		return err
	}
	return s.giveTicket(c, chatStream(c), prefix+"/chat/"+url.PathEscape(id)+"/stream")
}

// sessionFor makes sure, and records, that the caller may have the capability of
// a session of theirs.
func (s *Server) sessionFor(c echo.Context, capability, id string) error {
	in := service.GetSessionInput{SessionID: id}
	return s.Service.Perform(c.Request().Context(), capability, in, func(ctx context.Context) error {
		_, err := s.Service.Session(ctx, in)
		return err
	})
}

// chatStreamOf streams a session's events behind one: those of one turn, or all
// there will be.
func (s *Server) chatStreamOf(session string, after int64, oneTurn bool) stream {
	follow := func(ctx context.Context, out *eventSink) error {
		all := s.Service.FollowTurn
		if !oneTurn {
			all = s.Service.FollowChat
			if err := out.Open(); err != nil {
				return err
			}
		}
		return all(ctx, session, after, func(item service.ChatItem) error { return out.Send(streamEvent{ID: item.ID, Data: item.Data}) })
	}
	return stream{kind: "chat", follow: follow, fault: func(err error) streamEvent {
		f := workflow.TurnFailure{Code: "STREAM_ERROR", Message: workflow.MessageOf(err), Recoverable: true}
		return streamEvent{Data: service.ChatEvent{Type: "error", SessionID: session, Content: f, Error: f, Timestamp: time.Now().UnixMilli(), Final: true}}
	}}
}
