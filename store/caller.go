package store

import (
	"context"
	"time"
)

// Caller is a signed-in user whose own token came with the call: a backend that
// speaks to Supabase may use it, for that user's rows only. Nothing prints it.
type Caller struct {
	Subject   string
	ExpiresAt time.Time
	token     func() string // not a field, so that no %v shows it
}

// NewCaller returns the caller with that token.
func NewCaller(subject, token string, expires time.Time) *Caller {
	return &Caller{Subject: subject, ExpiresAt: expires, token: func() string { return token }}
}

// Token is the caller's access token, for the store alone: it goes to no agent,
// no workflow and no log.
func (c *Caller) Token() string {
	if c == nil || c.token == nil {
		return ""
	}
	return c.token()
}

type callerKey struct{}

// WithCaller returns ctx carrying c.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller whose token came along, nil when none did.
func CallerOf(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}
