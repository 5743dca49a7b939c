package auth

import (
	"net/netip"
	"strings"

	"flowgate/internal/workflow"
)

// maxRanges bounds a key's list of addresses.
const maxRanges = 64

// parseRanges returns addresses and ranges as ranges in their shortest form.
func parseRanges(list []string) ([]string, error) {
	if len(list) > maxRanges {
		return nil, workflow.Errorf(workflow.CodeInvalid, "allowed_ips: takes at most %d ranges", maxRanges)
	}
	out := make([]string, 0, len(list))
	for _, text := range list {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			ip, ipErr := netip.ParseAddr(strings.TrimSpace(text))
			if ipErr != nil || ip.Zone() != "" {
				return nil, workflow.Errorf(workflow.CodeInvalid, "allowed_ips: %.60q is not an address or a range such as 10.1.0.0/16", text)
			}
			ip = ip.Unmap()
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		out = append(out, p.Masked().String())
	}
	return out, nil
}

// allowedFrom reports whether ip is in one of the ranges; none allow all. A
// caller without an address, on stdio, is at this machine: loopback.
func allowedFrom(ranges []string, ip netip.Addr) bool {
	if len(ranges) == 0 {
		return true
	}
	for _, text := range ranges {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		if p.Contains(ip.Unmap()) || !ip.IsValid() && (p.Contains(netip.IPv6Loopback()) || p.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1}))) {
			return true
		}
	}
	return false
}
