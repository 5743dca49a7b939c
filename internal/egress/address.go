package egress

import (
	"net/netip"
	"strconv"
	"strings"
)

// kind is what an address is for.
type kind int

const (
	public kind = iota
	loopback
	privateNet
	linkLocal
	shared
	metadata
	multicast
	unspecified
	reserved
)

// String says what the address is, as the end of a sentence.
func (k kind) String() string {
	return [...]string{
		"it is a public address",
		"it is an address of this machine (loopback)",
		"it is an address of a private network",
		"it is a link-local address",
		"it is an address of a provider's shared network (carrier-grade NAT)",
		"it is a cloud metadata service",
		"it is a multicast or broadcast address",
		"it is the unspecified address",
		"it lies in a reserved range",
	}[k]
}

// private reports whether permission for private addresses covers the kind.
func (k kind) private() bool {
	return k == loopback || k == privateNet || k == linkLocal || k == shared
}

// ranges are looked through in order: the first that holds the address wins.
// Sources: the IANA registries of special-purpose addresses, and the providers'
// documentation for metadata services.
var ranges = []struct {
	prefix netip.Prefix
	kind   kind
}{
	{netip.MustParsePrefix("169.254.169.254/32"), metadata}, // most clouds
	{netip.MustParsePrefix("169.254.170.2/32"), metadata},   // AWS task credentials
	{netip.MustParsePrefix("169.254.170.23/32"), metadata},  // AWS pod identity
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba Cloud
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},   // Azure's wire server
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle Cloud
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},      // AWS over IPv6
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},   // Google Cloud over IPv6
	{netip.MustParsePrefix("0.0.0.0/8"), unspecified},
	{netip.MustParsePrefix("10.0.0.0/8"), privateNet},
	{netip.MustParsePrefix("100.64.0.0/10"), shared},
	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), privateNet},
	{netip.MustParsePrefix("192.0.0.0/24"), reserved},
	{netip.MustParsePrefix("192.0.2.0/24"), reserved},
	{netip.MustParsePrefix("192.88.99.0/24"), reserved},
	{netip.MustParsePrefix("192.168.0.0/16"), privateNet},
	{netip.MustParsePrefix("198.18.0.0/15"), reserved},
	{netip.MustParsePrefix("198.51.100.0/24"), reserved},
	{netip.MustParsePrefix("203.0.113.0/24"), reserved},
	{netip.MustParsePrefix("224.0.0.0/4"), multicast},
	{netip.MustParsePrefix("255.255.255.255/32"), multicast},
	{netip.MustParsePrefix("240.0.0.0/4"), reserved},
	{netip.MustParsePrefix("0.0.0.0/0"), public},
	{netip.MustParsePrefix("::/128"), unspecified},
	{netip.MustParsePrefix("::1/128"), loopback},
	{netip.MustParsePrefix("fc00::/7"), privateNet},
	{netip.MustParsePrefix("fe80::/10"), linkLocal},
	{netip.MustParsePrefix("fec0::/10"), privateNet},
	{netip.MustParsePrefix("ff00::/8"), multicast},
	{netip.MustParsePrefix("2001::/23"), reserved}, // Teredo and protocol assignments
	{netip.MustParsePrefix("2001:db8::/32"), reserved},
	{netip.MustParsePrefix("3fff::/20"), reserved},
	{netip.MustParsePrefix("2000::/3"), public},
	{netip.MustParsePrefix("::/0"), reserved},
}

// embeddings are IPv6 forms that stand for an IPv4 address, with the byte it
// begins at.
var embeddings = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("::ffff:0:0/96"), 12},   // mapped
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // translated (SIIT)
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4
	{netip.MustParsePrefix("::/96"), 12},           // compatible, deprecated
}

// classify says what an address is for. An IPv6 address that carries an IPv4
// one is what that one is.
func classify(ip netip.Addr) kind {
	ip = ip.WithZone("").Unmap()
	if ip.Is6() && ip != netip.IPv6Unspecified() && ip != netip.IPv6Loopback() {
		for _, e := range embeddings {
			if e.prefix.Contains(ip) {
				b := ip.As16()
				return classify(netip.AddrFrom4([4]byte(b[e.at : e.at+4])))
			}
		}
	}
	for _, r := range ranges {
		if r.prefix.Contains(ip) {
			return r.kind
		}
	}
	return reserved
}

// literal reads host as an address, in every form that a system's resolver
// may take for one: also 2130706433, 0x7f.1 and 0177.0.0.1.
func literal(host string) (netip.Addr, bool) {
	host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.WithZone("").Unmap(), true
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, p := range parts {
		if p == "" || p[0] < '0' || p[0] > '9' {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(p, 0, 32) // 0x and a leading 0 as inet_aton reads them
		last := i == len(parts)-1
		limit := uint64(255)
		if last {
			limit = 1<<(8*(5-len(parts))) - 1
		}
		if err != nil || n > limit || strings.Contains(p, "_") {
			return netip.Addr{}, false
		}
		if last {
			sum = sum<<(8*(5-len(parts))) | n
		} else {
			sum = sum<<8 | n
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

func anyContains(list []netip.Prefix, ip netip.Addr) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// hostListed reports whether host is on the list, by its name or by "*.".
func hostListed(list []string, host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range list {
		h = strings.ToLower(h)
		if h == host {
			return true
		}
		if suffix, ok := strings.CutPrefix(h, "*"); ok && strings.HasPrefix(suffix, ".") && strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
