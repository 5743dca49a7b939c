package service

import (
	"context"

	"flowgate/store"
)

func chatTopic(session string) string { return "chat:" + session }

// held reports whether the log of events is worth asking: not while it is away.
func (s *Service) held() bool {
	return s.ChatLog != nil && (s.Fanout == nil || s.Fanout.Connected())
}

// announceChat has an event that is stored reach those who follow its session in
// other processes. They find it in the store in any case.
func (s *Service) announceChat(ctx context.Context, v *store.Session, e store.ChatEvent) {
	if s.held() {
		if err := s.ChatLog.KeepChatEvent(ctx, v.OwnerID, v.ID, e); err != nil {
			s.Logger.DebugContext(ctx, "an event of a conversation is in the store alone", "session_id", v.ID, "error", err)
		}
	}
	if s.Fanout != nil {
		s.Fanout.Announce(chatTopic(v.ID), nil)
	}
}

// forgetChat removes what the log holds of a session that was deleted.
func (s *Service) forgetChat(ctx context.Context, session string) {
	if s.ChatLog == nil {
		return
	}
	if err := s.ChatLog.ForgetChat(ctx, owner(ctx), session); err != nil {
		s.Logger.WarnContext(ctx, "what is held of a deleted conversation for clients that come back goes by itself in a quarter of an hour", "session_id", session, "error", err)
	}
}

// hearChat wakes followers of a session here when another process adds an event.
func (s *Service) hearChat(session string) (stop func()) {
	if s.Fanout == nil {
		return func() {}
	}
	return s.Fanout.Listen(chatTopic(session), func([]byte) { s.chats.tell(session, true) })
}
