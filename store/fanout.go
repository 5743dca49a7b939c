package store

import "context"

// Fanout passes on to other processes what happens, while it happens. It is a
// shortcut: what does not get through is in the store, too, and who listens
// looks there now and then.
type Fanout interface {
	// Announce tells all other processes that listen to the topic. It neither
	// waits nor fails: what cannot be told is dropped.
	Announce(topic string, data []byte)
	// Listen calls fn, one call at a time, for what other processes announce
	// under the topic, until stop is called. What is announced in the first
	// moment may be missed. fn must not wait for long.
	Listen(topic string, fn func(data []byte)) (stop func())
	// Connected reports whether what is announced arrives at present.
	Connected() bool
}

// ChatLog holds, for a while, the newest events of sessions besides the store, so
// that clients that come back need not be served from there. Its errors are
// the caller's reason to ask the store, and nothing more.
type ChatLog interface {
	// KeepChatEvent notes an event that is stored.
	KeepChatEvent(ctx context.Context, owner, sessionID string, e ChatEvent) error
	// KeptChatEvents returns at most limit events with ID > after, in order and
	// without a gap. whole is false when the log does not know what follows after.
	KeptChatEvents(ctx context.Context, owner, sessionID string, after int64, limit int) (list []ChatEvent, whole bool, err error)
	// ForgetChat removes what is held of a session.
	ForgetChat(ctx context.Context, owner, sessionID string) error
}
