package egress

import (
	"net/netip"
	"testing"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	cases := map[string]kind{
		"8.8.8.8":                  public,
		"2606:4700::1111":          public,
		"127.0.0.1":                loopback,
		"127.255.0.9":              loopback,
		"::1":                      loopback,
		"10.1.2.3":                 privateNet,
		"172.31.255.255":           privateNet,
		"172.32.0.1":               public,
		"192.168.1.1":              privateNet,
		"fd12::1":                  privateNet,
		"fec0::1":                  privateNet,
		"169.254.1.1":              linkLocal,
		"fe80::1%eth0":             linkLocal,
		"100.64.0.1":               shared,
		"100.128.0.1":              public,
		"169.254.169.254":          metadata,
		"169.254.170.2":            metadata,
		"100.100.100.200":          metadata,
		"168.63.129.16":            metadata,
		"fd00:ec2::254":            metadata,
		"224.0.0.1":                multicast,
		"255.255.255.255":          multicast,
		"ff02::1":                  multicast,
		"0.0.0.0":                  unspecified,
		"0.1.2.3":                  unspecified,
		"::":                       unspecified,
		"198.18.0.1":               reserved,
		"203.0.113.9":              reserved,
		"250.0.0.1":                reserved,
		"2001:0:53aa::1":           reserved, // Teredo
		"2001:db8::1":              reserved,
		"64:ff9b:1::1":             reserved,
		"4000::1":                  reserved,
		"::ffff:127.0.0.1":         loopback,
		"::ffff:8.8.8.8":           public,
		"::ffff:0:10.0.0.1":        privateNet,
		"64:ff9b::10.0.0.1":        privateNet,
		"64:ff9b::8.8.8.8":         public,
		"64:ff9b::169.254.169.254": metadata,
		"2002:7f00:1::":            loopback,
		"2002:a9fe:a9fe::1":        metadata,
		"2002:808:808::1":          public,
		"::127.0.0.1":              loopback,
	}
	for text, want := range cases {
		if got := classify(netip.MustParseAddr(text)); got != want {
			t.Errorf("classify(%s) = %d, want %d (%s)", text, got, want, want)
		}
	}
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	loop := []string{"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "[::ffff:127.0.0.1]", "::ffff:7f00:1"}
	for _, h := range loop {
		if ip, ok := literal(h); !ok || ip.String() != "127.0.0.1" {
			t.Errorf("literal(%q) = %v, %v, want 127.0.0.1", h, ip, ok)
		}
	}
	for _, h := range []string{"", "example.com", "1.2.3.4.5", "256.1.1.1", "127.0.0.1.nip.io", "4294967296", "1e3", "08.1.1.1", "a", "1..2"} {
		if ip, ok := literal(h); ok {
			t.Errorf("literal(%q) = %v, want none", h, ip)
		}
	}
}

func TestHostListed(t *testing.T) {
	t.Parallel()
	list := []string{"db.internal", "*.corp.example"}
	for host, want := range map[string]bool{
		"db.internal": true, "DB.Internal.": true, "x.corp.example": true, "a.b.corp.example": true,
		"corp.example": false, "evilcorp.example": false, "db.internal.evil.com": false, "": false,
	} {
		if got := hostListed(list, host); got != want {
			t.Errorf("hostListed(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	prefix := netip.MustParsePrefix
	cases := []struct {
		name string
		opts Options
		host string
		ip   string
		ok   bool
	}{
		{"public by default", Options{}, "a", "8.8.8.8", true},
		{"loopback by default", Options{}, "a", "127.0.0.1", false},
		{"loopback allowed", Options{AllowPrivate: true}, "a", "127.0.0.1", true},
		{"link-local allowed", Options{AllowPrivate: true}, "a", "fe80::1", true},
		{"metadata never by AllowPrivate", Options{AllowPrivate: true}, "a", "169.254.169.254", false},
		{"mapped metadata never by AllowPrivate", Options{AllowPrivate: true}, "a", "::ffff:169.254.169.254", false},
		{"multicast never by AllowPrivate", Options{AllowPrivate: true}, "a", "224.0.0.1", false},
		{"metadata by its own prefix", Options{AllowCIDRs: []netip.Prefix{prefix("169.254.169.254/32")}}, "a", "169.254.169.254", true},
		{"one private network", Options{AllowCIDRs: []netip.Prefix{prefix("10.2.0.0/16")}}, "a", "10.2.3.4", true},
		{"another private network", Options{AllowCIDRs: []netip.Prefix{prefix("10.2.0.0/16")}}, "a", "10.3.3.4", false},
		{"host allowed", Options{AllowHosts: []string{"db.internal"}}, "db.internal", "10.0.0.1", true},
		{"host allowed but at metadata", Options{AllowHosts: []string{"db.internal"}}, "db.internal", "169.254.169.254", false},
		{"deny wins", Options{AllowPrivate: true, AllowCIDRs: []netip.Prefix{prefix("10.0.0.0/8")}, DenyCIDRs: []netip.Prefix{prefix("10.0.0.0/24")}}, "a", "10.0.0.1", false},
		{"public denied", Options{DenyCIDRs: []netip.Prefix{prefix("8.8.0.0/16")}}, "a", "8.8.8.8", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := New(c.opts).decide(c.host, netip.MustParseAddr(c.ip))
			if (err == nil) != c.ok {
				t.Errorf("decide = %v, want allowed %v", err, c.ok)
			}
		})
	}
}
