package auth

import (
	"context"
	"sync"
	"time"
)

// agentTokenLife is how long a made or checked agent token is remembered. It
// is well below a token's minute.
const agentTokenLife = 30 * time.Second

// AgentTokens makes and checks the tokens between gateway and agent, and
// remembers them for a while, since signing each call anew would cost more
// than the call. Safe for concurrent use.
type AgentTokens struct {
	issuer *Issuer

	mu      sync.Mutex
	made    map[string]remembered // by owner
	checked map[string]remembered // by token
}

type remembered struct {
	value string
	until time.Time
}

// NewAgentTokens returns the agent tokens of an issuer.
func NewAgentTokens(issuer *Issuer) *AgentTokens {
	return &AgentTokens{issuer: issuer, made: map[string]remembered{}, checked: map[string]remembered{}}
}

// Token returns a token to act for owner at the agent.
func (a *AgentTokens) Token(owner string) (string, error) {
	return a.remember(a.made, owner, a.issuer.AgentToken)
}

// Verify returns the owner that token was made for.
func (a *AgentTokens) Verify(_ context.Context, token string) (string, error) {
	return a.remember(a.checked, token, a.issuer.VerifyAgent)
}

func (a *AgentTokens) remember(known map[string]remembered, key string, find func(string) (string, error)) (string, error) {
	now := a.issuer.now()
	a.mu.Lock()
	r, ok := known[key]
	a.mu.Unlock()
	if ok && now.Before(r.until) {
		return r.value, nil
	}
	value, err := find(key)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(known) >= keyCacheSize {
		clear(known)
	}
	known[key] = remembered{value: value, until: now.Add(agentTokenLife)}
	return value, nil
}
