package redis

import (
	"context"
	"strconv"
	"strings"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/store"
)

// chatLogLife is how long a session's events are held after the last one.
const chatLogLife = 15 * time.Minute

var _ store.ChatLog = (*Store)(nil)

// chatKey names a session's log by its owner, too: who asks for another's finds
// nothing.
func (s *Store) chatKey(owner, sessionID string) string {
	return s.key("chat", sessionID, plain(owner))
}

// KeepChatEvent implements store.ChatLog. Events that do not follow on what is
// held take its place: the database was put back to an earlier state.
func (s *Store) KeepChatEvent(ctx context.Context, owner, sessionID string, e store.ChatEvent) error {
	key := s.chatKey(owner, sessionID)
	err := s.addChatEvent(ctx, key, e)
	if err != nil && strings.Contains(err.Error(), "equal or smaller") {
		if err = s.db.Del(ctx, key).Err(); err == nil {
			err = s.addChatEvent(ctx, key, e)
		}
	}
	return s.failed(opChat, "hold the event", err)
}

func (s *Store) addChatEvent(ctx context.Context, key string, e store.ChatEvent) error {
	_, err := s.db.Pipelined(ctx, func(p client.Pipeliner) error {
		p.XAdd(ctx, &client.XAddArgs{Stream: key, ID: strconv.FormatInt(e.ID, 10) + "-0", MaxLen: store.KeptChatEvents, Approx: true, Values: []any{"e", []byte(e.Data)}})
		p.Expire(ctx, key, chatLogLife)
		return nil
	})
	return err
}

// KeptChatEvents implements store.ChatLog.
func (s *Store) KeptChatEvents(ctx context.Context, owner, sessionID string, after int64, limit int) (list []store.ChatEvent, whole bool, err error) {
	key := s.chatKey(owner, sessionID)
	from := strconv.FormatInt(max(after, 1), 10) + "-0" // with the one before, if it is held
	found, err := s.db.XRangeN(ctx, key, from, "+", int64(limit)+1).Result()
	if err != nil {
		return nil, false, s.failed(opChat, "read the events that are held", err)
	}
	next := after
	for _, m := range found {
		number, _, _ := strings.Cut(m.ID, "-")
		id, err := strconv.ParseInt(number, 10, 64)
		data, ok := m.Values["e"].(string)
		switch {
		case err == nil && id == after:
			whole = true
			continue
		case err != nil || !ok || id != next+1:
			return list, whole && len(list) > 0, nil // one is missing: what precedes it is good
		case len(list) == limit:
			return list, true, nil
		}
		list, next, whole = append(list, store.ChatEvent{ID: id, Data: []byte(data)}), id, true
	}
	return list, whole, nil
}

// ForgetChat implements store.ChatLog.
func (s *Store) ForgetChat(ctx context.Context, owner, sessionID string) error {
	return s.failed(opChat, "forget the events that are held", s.db.Del(ctx, s.chatKey(owner, sessionID)).Err())
}
