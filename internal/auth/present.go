package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"flowgate/internal/workflow"
)

// maxCredential bounds what is looked at as a key or token, in bytes.
const maxCredential = 8 << 10

// Presented is what a request carries to prove who sends it. Empty fields
// were not sent.
type Presented struct {
	APIKey string // X-API-Key, --api-key
	Bearer string // the token of "Authorization: Bearer"
	Signed *SignedRequest
	Tier   Tier       // the door the request came by
	IP     netip.Addr // the caller's address; zero when there is none, as on stdio

	refused error // what makes the request's credentials ambiguous
}

// Present collects what r carries, for the door of tier; with queryKey also
// from its query. A signed request's body is read, up to maxBody bytes, and
// put back. What cannot stand is told by Authenticate.
func Present(r *http.Request, tier Tier, queryKey bool, maxBody int64) Presented {
	p := Presented{Tier: tier, IP: ClientIP(r)}
	keys, authorizations := r.Header.Values("X-API-Key"), r.Header.Values("Authorization")
	if len(keys) > 1 || len(authorizations) > 1 {
		p.refused = workflow.Errorf(workflow.CodeUnauthorized, "send the X-API-Key and Authorization headers once each").WithReason(malformed(tier))
		return p
	}
	if len(keys) == 1 {
		p.APIKey = strings.TrimSpace(keys[0])
	}
	if len(authorizations) == 1 {
		p.Bearer = bearerToken(authorizations[0])
	}
	if tier != TierMCP {
		return p
	}
	if r.Header.Get(headerSignatureInput) != "" {
		p.Signed, p.refused = readSigned(r, maxBody)
		return p
	}
	if p.APIKey == "" && p.Bearer == "" && queryKey && strings.Contains(r.URL.RawQuery, "api_key=") {
		p.APIKey = r.URL.Query().Get("api_key")
	}
	return p
}

// bearerToken returns the token of an Authorization header, "" when it is of
// another scheme.
func bearerToken(header string) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func malformed(tier Tier) string {
	if tier == TierApp {
		return "malformed_token"
	}
	return "invalid_api_key"
}

// ClientIP returns the caller's address as the door found it out, behind
// trusted proxies too; else the connection's.
func ClientIP(r *http.Request) netip.Addr {
	text := OriginOf(r.Context()).IP
	if text == "" {
		text, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap()
}
