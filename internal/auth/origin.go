package auth

import (
	"context"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Origin is where a request came from, whoever sent it.
type Origin struct {
	RequestID string
	IP        string
	Door      string // "mcp", "stdio", "facade", "app", "public", "webhook"
}

type originKey struct{}

// WithOrigin returns ctx carrying o.
func WithOrigin(ctx context.Context, o *Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns where the request in ctx came from; zero when that is not
// known.
func OriginOf(ctx context.Context) Origin {
	if o, ok := ctx.Value(originKey{}).(*Origin); ok && o != nil {
		return *o
	}
	return Origin{}
}

// AuditEntry is what the audit log holds of the request in ctx and its caller.
func AuditEntry(ctx context.Context, capability string) store.AuditEntry {
	o := OriginOf(ctx)
	e := store.AuditEntry{Capability: capability, Door: o.Door, RequestID: o.RequestID, IP: o.IP}
	if id := FromContext(ctx); id != nil {
		e.Subject, e.Kind, e.KeyID, e.ClientName = id.Subject, string(id.Kind), id.KeyID, id.ClientName
		if e.Door == "" {
			e.Door = string(id.Tier)
		}
	}
	return e
}

// Refusals records what was refused.
type Refusals interface {
	Refuse(ctx context.Context, e store.AuditEntry, args []byte)
}

// refused records a failed authentication. The key it names is the one it
// claimed to be.
func (a *Authenticator) refused(ctx context.Context, p Presented, err error) {
	if a.Audit == nil {
		return
	}
	switch workflow.CodeOf(err) {
	case workflow.CodeUnauthorized, workflow.CodeForbidden, workflow.CodeRateLimited:
	default:
		return // it could not be told, which is no refusal
	}
	e := AuditEntry(ctx, "authenticate")
	if e.Door == "" {
		e.Door = string(p.Tier)
	}
	e.At, e.Reason = time.Now(), workflow.ReasonOf(err)
	e.KeyID, _ = parseKey(p.APIKey)
	a.Audit.Refuse(ctx, e, nil)
}
