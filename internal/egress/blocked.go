package egress

import (
	"fmt"
	"net/netip"
	"strings"
)

// What an operator can do about a refusal.
const (
	remedyPrivate = "An operator can allow private addresses with EGRESS_ALLOW_PRIVATE=true (--allow-private), " +
		"or only some with EGRESS_ALLOW_CIDRS."
	remedyCIDR   = "An operator can allow this very address with EGRESS_ALLOW_CIDRS."
	remedyDenied = "Only the operator of this server can change that."
)

// BlockedError says that a connection was refused before it was made.
type BlockedError struct {
	Host   string     // as the caller wrote it
	IP     netip.Addr // what it resolved to; the zero Addr where it did not come to that
	Reason string     // what the address is
	Remedy string     // what would allow it
}

// Error names the host, the address and the reason, and what would allow it.
func (e *BlockedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "connecting to %s", e.Host)
	if e.IP.IsValid() && e.IP.String() != e.Host {
		fmt.Fprintf(&b, " (%s)", e.IP)
	}
	fmt.Fprintf(&b, " is not allowed: %s", e.Reason)
	if e.Remedy != "" {
		b.WriteString(". " + e.Remedy)
	}
	return b.String()
}

// TooLargeError says that an answer's body went beyond the limit.
type TooLargeError struct {
	Limit int64 // bytes
}

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d bytes, the most that is read. "+
		"Ask for less at once, for instance by pages", e.Limit)
}

// RedirectError says that a chain of redirects was longer than allowed.
type RedirectError struct {
	Limit int
}

// Error names the limit.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("the server redirected more than %d times", e.Limit)
}
