package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// KeyView is an API key; its secret is in it once, when it was made.
type KeyView struct {
	ID            string     `json:"id"`
	Key           string     `json:"key,omitempty" jsonschema:"the secret, or with signing the private key (PEM, PKCS #8); shown this once"`
	ClientName    string     `json:"client_name"`
	Scopes        []string   `json:"scopes"`
	RateLimitTier string     `json:"rate_limit_tier"`
	Signing       bool       `json:"signing" jsonschema:"the key signs requests (RFC 9421) instead of being sent"`
	AllowedIPs    []string   `json:"allowed_ips" jsonschema:"ranges the key may be used from; none: any"`
	Active        bool       `json:"active"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema:"absent: never"`
	LastUsedAt    *time.Time `json:"last_used_at,omitempty"`
	RevokedAt     *time.Time `json:"revoked_at,omitempty"`
	PreviousUntil *time.Time `json:"previous_key_until,omitempty" jsonschema:"the secret before the last rotation is good until then"`
}

func keyView(k *workflow.Key, secret string) *KeyView {
	return &KeyView{ID: k.ID, Key: secret, ClientName: k.ClientName, Scopes: orEmpty(k.Scopes), RateLimitTier: k.RateLimitTier,
		Signing: k.Signing, AllowedIPs: orEmpty(k.AllowedIPs), Active: k.Active && k.RevokedAt.IsZero(), CreatedAt: k.CreatedAt,
		ExpiresAt: timePtr(k.ExpiresAt), LastUsedAt: timePtr(k.LastUsedAt), RevokedAt: timePtr(k.RevokedAt), PreviousUntil: timePtr(k.PreviousUntil)}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ListKeysInput pages the list of keys.
type ListKeysInput struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"at most this many" default:"20" min:"1" max:"200"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
	Sort   string `json:"sort,omitempty" enum:"newest,oldest"`
}

// ListKeysOutput is a page of keys, newest first.
type ListKeysOutput struct {
	Keys       []KeyView `json:"keys"`
	NextCursor string    `json:"next_cursor,omitempty" jsonschema:"cursor for the next page; absent on the last"`
}

// ListKeys lists the caller's keys, without their secrets.
func (s *Service) ListKeys(ctx context.Context, in ListKeysInput) (*ListKeysOutput, error) {
	if err := s.hasKeys(); err != nil {
		return nil, err
	}
	list, next, err := s.Keys.List(ctx, owner(ctx), page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	out := &ListKeysOutput{Keys: make([]KeyView, 0, len(list)), NextCursor: next}
	for _, k := range list {
		out.Keys = append(out.Keys, *keyView(k, ""))
	}
	return out, nil
}

// CreateKeyInput is a new key.
type CreateKeyInput struct {
	ClientName    string   `json:"client_name" jsonschema:"name of the client that will use the key"`
	Scopes        []string `json:"scopes" jsonschema:"what the key may do, such as workflows:read; no more than you may yourself"`
	RateLimitTier string   `json:"rate_limit_tier,omitempty" jsonschema:"no higher than your own; standard when absent" enum:"standard,premium,unlimited"`
	ExpiresIn     string   `json:"expires_in,omitempty" jsonschema:"how long the key is valid, such as 720h; for ever when absent"`
	Signing       bool     `json:"signing,omitempty" jsonschema:"make a key that signs requests (RFC 9421, Ed25519)"`
	AllowedIPs    []string `json:"allowed_ips,omitempty" jsonschema:"addresses or ranges the key may be used from; any when absent"`
}

// CreateKey makes a key of the caller's, that may do no more than the caller.
func (s *Service) CreateKey(ctx context.Context, in CreateKeyInput) (*KeyView, error) {
	if err := s.hasKeys(); err != nil {
		return nil, err
	}
	id := auth.FromContext(ctx)
	if err := mayHandOut(id, in.Scopes, in.RateLimitTier); err != nil {
		return nil, err
	}
	life, err := duration("expires_in", in.ExpiresIn)
	if err != nil {
		return nil, err
	}
	secret, key, err := s.Keys.Create(ctx, auth.NewKey{OwnerID: id.Subject, ClientName: in.ClientName, Scopes: in.Scopes,
		RateLimitTier: in.RateLimitTier, ExpiresIn: life, Signing: in.Signing, AllowedIPs: in.AllowedIPs})
	if err != nil {
		return nil, err
	}
	return keyView(key, secret), nil
}

// mayHandOut refuses to give away what id does not have: people at the App
// tier may do everything with their own rows, all others what their scopes say.
func mayHandOut(id *auth.Identity, scopes []string, tier string) error {
	person := id.Kind == auth.KindLocal || id.Kind == auth.KindUser && id.Tier == auth.TierApp && id.ClientID == ""
	for _, scope := range scopes {
		if !person && !id.HasScope(scope) {
			err := workflow.Errorf(workflow.CodeScope, "scopes: %q is more than you may yourself", scope)
			err.Details = map[string]any{"required_scope": scope}
			return err
		}
	}
	tiers := auth.RateLimitTiers()
	if slices.Index(tiers, tier) > max(0, slices.Index(tiers, id.RateLimitTier)) {
		return workflow.Errorf(workflow.CodeForbidden, "rate_limit_tier: %q is above your own; the operator makes such keys with: flowgate keys create", tier).WithReason("tier_not_allowed")
	}
	return nil
}

// duration reads a length of time, 0 when there is none.
func duration(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, workflow.Errorf(workflow.CodeInvalid, "%s: %.40q is not a length of time such as 24h", field, text)
	}
	return d, nil
}

// KeyInput names a key.
type KeyInput struct {
	KeyID string `json:"key_id"`
}

// RevokedKey says that a key has ended.
type RevokedKey struct {
	ID      string `json:"id"`
	Revoked bool   `json:"revoked"`
}

// RevokeKey ends a key of the caller's for good.
func (s *Service) RevokeKey(ctx context.Context, in KeyInput) (*RevokedKey, error) {
	if err := s.hasKeys(); err != nil {
		return nil, err
	}
	if err := s.Keys.Revoke(ctx, owner(ctx), in.KeyID); err != nil {
		return nil, err
	}
	return &RevokedKey{ID: in.KeyID, Revoked: true}, nil
}

// RotateKeyInput asks for another secret.
type RotateKeyInput struct {
	KeyID   string `json:"key_id"`
	Overlap string `json:"overlap,omitempty" jsonschema:"how long the earlier secret stays good, such as 1h; 24h when absent, 0s ends it at once"`
}

// RotateKey gives a key of the caller's another secret.
func (s *Service) RotateKey(ctx context.Context, in RotateKeyInput) (*KeyView, error) {
	if err := s.hasKeys(); err != nil {
		return nil, err
	}
	overlap := 24 * time.Hour
	if strings.TrimSpace(in.Overlap) != "" {
		var err error
		if overlap, err = time.ParseDuration(in.Overlap); err != nil {
			return nil, workflow.Errorf(workflow.CodeInvalid, "overlap: %.40q is not a length of time such as 1h", in.Overlap)
		}
	}
	secret, key, err := s.Keys.Rotate(ctx, owner(ctx), in.KeyID, overlap)
	if err != nil {
		return nil, err
	}
	return keyView(key, secret), nil
}

func (s *Service) hasKeys() error {
	if s.Keys == nil {
		return workflow.Errorf(workflow.CodeUnsupported, "this server keeps no API keys")
	}
	return nil
}

// GrantView is what an OAuth client may do for the caller.
type GrantView struct {
	ClientID   string     `json:"client_id"`
	ClientName string     `json:"client_name"`
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty" jsonschema:"the client is let in no more since then"`
}

func grantView(g *store.Grant) *GrantView {
	return &GrantView{ClientID: g.ClientID, ClientName: g.ClientName, Scopes: orEmpty(g.Scopes), CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt, RevokedAt: timePtr(g.RevokedAt)}
}

// ListGrantsOutput is a page of grants, newest first.
type ListGrantsOutput struct {
	Grants     []GrantView `json:"grants"`
	NextCursor string      `json:"next_cursor,omitempty" jsonschema:"cursor for the next page; absent on the last"`
}

// ListGrants lists the OAuth clients that came for the caller.
func (s *Service) ListGrants(ctx context.Context, in ListKeysInput) (*ListGrantsOutput, error) {
	if err := s.hasGrants(); err != nil {
		return nil, err
	}
	list, next, err := s.Grants.Store.ListGrants(ctx, owner(ctx), page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	out := &ListGrantsOutput{Grants: make([]GrantView, 0, len(list)), NextCursor: next}
	for _, g := range list {
		out.Grants = append(out.Grants, *grantView(g))
	}
	return out, nil
}

// UpdateGrantInput says what a client may do from now on.
type UpdateGrantInput struct {
	ClientID   string   `json:"client_id"`
	ClientName *string  `json:"client_name,omitempty" jsonschema:"what to call it; its id says little"`
	Scopes     []string `json:"scopes" jsonschema:"all it may do, such as workflows:read, workflows:execute"`
}

// UpdateGrant changes what a client may do for the caller, and lets it in
// again where it was not.
func (s *Service) UpdateGrant(ctx context.Context, in UpdateGrantInput) (*GrantView, error) {
	if err := s.hasGrants(); err != nil {
		return nil, err
	}
	if err := auth.CheckScopes(in.Scopes); err != nil {
		return nil, err
	}
	if err := mayHandOut(auth.FromContext(ctx), in.Scopes, ""); err != nil {
		return nil, err
	}
	return s.changeGrant(ctx, in.ClientID, func(g *store.Grant) {
		g.Scopes, g.RevokedAt = in.Scopes, time.Time{}
		if in.ClientName != nil {
			g.ClientName = clipTo(*in.ClientName, 200)
		}
	})
}

// GrantInput names a client.
type GrantInput struct {
	ClientID string `json:"client_id"`
}

// RevokeGrant lets a client in no more for the caller.
func (s *Service) RevokeGrant(ctx context.Context, in GrantInput) (*GrantView, error) {
	if err := s.hasGrants(); err != nil {
		return nil, err
	}
	return s.changeGrant(ctx, in.ClientID, func(g *store.Grant) { g.Scopes, g.RevokedAt = nil, s.Now().UTC() })
}

func (s *Service) changeGrant(ctx context.Context, client string, change func(*store.Grant)) (*GrantView, error) {
	g, err := s.Grants.Store.Grant(ctx, owner(ctx), client)
	if err != nil {
		return nil, err
	}
	change(g)
	g.UpdatedAt = s.Now().UTC()
	if err := s.Grants.Store.UpdateGrant(ctx, g); err != nil {
		return nil, err
	}
	s.Grants.Changed(ctx, g.UserID, g.ClientID)
	return grantView(g), nil
}

func (s *Service) hasGrants() error {
	if s.Grants == nil {
		return workflow.Errorf(workflow.CodeUnsupported, "this server has no OAuth clients")
	}
	return nil
}
