package ratelimit

import (
	"fmt"
	"strings"
)

// Docs is docs/limits.md, which a test holds true.
func Docs() string {
	var b strings.Builder
	b.WriteString(`# Limits

What callers may do, by default. ` + "`rate_limits`" + ` (RATE_LIMITS) changes any of it, for instance
` + "`RATE_LIMITS=mcp.invoke=5000/1h,public.docs=off,tier.premium=20`" + `; the windows are 1s to 31d.

| limit | default | who, doing what |
|---|---|---|
`)
	for _, r := range Documented() {
		name := r.Name
		if strings.HasSuffix(name, ".") {
			name += "…"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, r.Limit, r.Doc)
	}
	b.WriteString(`
A request counts against the most specific limit and the general one of its tier, in one step: what
one of them refuses the other does not count. An address is one of IPv4, or a /64 of IPv6; it is the
connection's, and that in X-Forwarded-For only behind ` + "`trusted_proxies`" + `. ` + "`/livez` and `/readyz`" + ` are
never limited; in development the public tier is not, unless PUBLIC_RATE_LIMIT_ENABLED says so. A
key's, or user's, tier multiplies the limits of App and MCP: `)
	tiers := DefaultTiers()
	for i, name := range []string{"standard", "premium", "unlimited"} {
		if i > 0 {
			b.WriteString(", ")
		}
		if tiers[name] == 0 {
			fmt.Fprintf(&b, "%s has none", name)
		} else {
			fmt.Fprintf(&b, "%s ×%d", name, tiers[name])
		}
	}
	b.WriteString(`.

**Answers** carry ` + "`RateLimit-Policy`" + ` (each limit's quota q and window w), ` + "`RateLimit`" + ` (what remains r, and in
how many seconds t some of it comes back), and the older ` + "`X-RateLimit-Limit`, `-Remaining` and `-Reset`" + ` of
the limit with the least left (the last in seconds since 1970). A refusal is 429 ` + "`rate_limit_exceeded`" + ` with
` + "`Retry-After`" + `; in MCP a JSON-RPC error whose data has ` + "`retry_after`" + `; at the façade RATE_LIMIT_ERROR.

**Strategies** (` + "`rate_limit_strategy`" + `). sliding_window: never more than the limit in any window, wherever
it begins; what was used comes back in sixteenths of the window. fixed_window: counted anew at each
full window, so that around its edge twice the limit can pass.

**Storage** (` + "`rate_limit_storage`" + `). memory: each server counts alone, at most 65,536 addresses and as many
callers, forgetting those that called longest ago. redis: all servers count together, by Redis's clock,
in one script. While Redis does not answer each server counts alone and admits the limit divided by
` + "`rate_limit_replicas`" + `; health is then degraded. Never is there no limit.

**Failed authentications** are counted by address. Once ` + "`auth.failed`" + ` is used up nothing that is presented from
there is looked at, right or wrong, until Retry-After.

**What is open** is bounded, too: ` + "`max_open_per_caller`" + ` streams and waiting calls of one caller,
` + "`max_webhook_concurrency`" + ` webhook calls under way, a quarter of them for one webhook; 429 beyond.
`)
	return b.String()
}
