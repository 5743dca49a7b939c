package auth

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

func TestKeysRotateWithAnOverlap(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	now := time.Now()
	keys.now = func() time.Time { return now }
	first, key, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, secret, reason string) {
		t.Helper()
		if _, err := keys.Verify(t.Context(), secret, netip.Addr{}); err == nil && reason != "" || err != nil && workflow.ReasonOf(err) != reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := keys.Rotate(t.Context(), "bob", key.ID, 0); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("a stranger: %v", err)
	}
	if _, _, err := keys.Rotate(t.Context(), "ann", key.ID, 365*24*time.Hour); workflow.CodeOf(err) != workflow.CodeInvalid {
		t.Errorf("a year's overlap: %v", err)
	}
	second, rotated, err := keys.Rotate(t.Context(), "ann", key.ID, time.Hour)
	if err != nil || rotated.ID != key.ID || second == first {
		t.Fatalf("got %+v, %v", rotated, err)
	}
	check("the earlier secret", first, "")
	check("the new secret", second, "")
	now = now.Add(time.Hour)
	check("the earlier secret after the overlap", first, "invalid_api_key")
	third, _, err := keys.Rotate(t.Context(), "", key.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	check("without overlap", second, "invalid_api_key")
	check("the newest", third, "")
}

func TestKeysMayBeBoundToAddresses(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	secret, key, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute},
		AllowedIPs: []string{"10.1.2.3/16", "192.0.2.7", "2001:db8::/32"}})
	if err != nil || strings.Join(key.AllowedIPs, " ") != "10.1.0.0/16 192.0.2.7/32 2001:db8::/32" {
		t.Fatalf("got %+v, %v", key, err)
	}
	for text, ok := range map[string]bool{"10.1.255.1": true, "10.2.0.1": false, "192.0.2.7": true, "::ffff:192.0.2.7": true, "2001:db8::1": true, "2001:db9::1": false, "": false} {
		ip, _ := netip.ParseAddr(text)
		if _, err := keys.Verify(t.Context(), secret, ip); (err == nil) != ok || err != nil && workflow.ReasonOf(err) != "ip_not_allowed" {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := keys.Create(t.Context(), NewKey{ClientName: "x", Scopes: []string{ScopeToolsRead}, AllowedIPs: []string{"home"}}); workflow.CodeOf(err) != workflow.CodeInvalid {
		t.Errorf("got %v", err)
	}
}

func TestConfiguredKeys(t *testing.T) {
	t.Parallel()
	keys, st := newKeys(t)
	const clear = "a key in clear, of the operator's"
	text := `{"ci": {"client_name": "CI", "scopes": ["tools:execute"], "rate_limit_tier": "premium", "user": "ann@example.org", "key_hash": "` + keys.HashKey("the hashed key") + `"},
		"clear": {"scopes": ["workflows:read"], "key": "` + clear + `"},
		"off": {"scopes": ["workflows:read"], "active": false, "key": "another key in clear"},
		"open-sesame": {"scopes": ["tools:read"]}}`
	list, err := ParseConfiguredKeys(text, "development")
	if err != nil {
		t.Fatal(err)
	}
	apply, err := keys.PrepareConfigured(list, func(email string) (string, error) { return "id of " + email, nil })
	if err != nil {
		t.Fatal(err)
	}
	apply()
	for secret, want := range map[string]struct{ subject, tier, reason string }{
		"the hashed key":               {"id of ann@example.org", TierPremium, ""},
		clear:                          {"key:clear", TierStandard, ""},
		"another key in clear":         {"", "", "client_disabled"},
		"clear":                        {"", "", "invalid_api_key"},
		"ci":                           {"", "", "invalid_api_key"},
		keys.HashKey("the hashed key"): {"", "", "invalid_api_key"},
	} {
		id, err := keys.Verify(t.Context(), secret, netip.Addr{})
		if want.reason != "" {
			if workflow.ReasonOf(err) != want.reason {
				t.Errorf("%q: %+v, %v", secret, id, err)
			}
			continue
		}
		if err != nil || id.Subject != want.subject || id.RateLimitTier != want.tier || id.Kind != KindAPIKey {
			t.Errorf("%q: %+v, %v", secret, id, err)
		}
	}
	id, err := keys.Verify(t.Context(), "open-sesame", netip.Addr{})
	if err != nil || strings.Contains(id.KeyID+id.Subject+id.ClientName, "sesame") {
		t.Errorf("an id that is the key shows: %+v, %v", id, err)
	}
	a := &Authenticator{Keys: keys}
	if _, err := a.Authenticate(t.Context(), Presented{Bearer: clear, Tier: TierMCP}); err != nil {
		t.Errorf("as bearer: %v", err)
	}
	if err := keys.Flush(t.Context()); err != nil || len(st.keys) != 0 {
		t.Errorf("configured keys reach the store: %v, %v", st.keys, err)
	}
	if _, err := keys.PrepareConfigured([]ConfiguredKey{{ID: "a", Key: "same"}, {ID: "b", Key: "same"}}, nil); err == nil {
		t.Error("one secret for two keys")
	}
}

func TestConfiguredKeysAreChecked(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	for _, c := range []struct{ text, environment, want string }{
		{`[]`, "development", "is not a JSON object"},
		{`{"a": {"scopes": ["x"]}}`, "development", "not a scope"},
		{`{"a": {"scopes": []}}`, "development", "at least one"},
		{`{"a": {"scopes": ["tools:read"], "kee": "x"}}`, "development", "kee"},
		{`{"a": {"scopes": ["tools:read"], "rate_limit_tier": "gold"}}`, "development", "tier"},
		{`{"a": {"scopes": ["tools:read"], "key": "x", "key_hash": "` + hash + `"}}`, "development", "not both"},
		{`{"a": {"scopes": ["tools:read"], "key_hash": "x"}}`, "development", "keys hash"},
		{`{"a": {"scopes": ["tools:read"]}}`, "staging", "neither"},
		{`{"a": {"scopes": ["tools:read"], "key": "short"}}`, "staging", "16 characters"},
		{`{"a": {"scopes": ["tools:read"], "key": "long enough for anybody"}}`, "production", "in clear"},
		{`{"a": {"scopes": ["tools:read"], "key": "long enough for anybody"}}`, "staging", ""},
		{`{"a": {"scopes": ["tools:read"], "key_hash": "` + hash + `"}}`, "production", ""},
		{``, "production", ""},
	} {
		_, err := ParseConfiguredKeys(c.text, c.environment)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s in %s: %v", c.text, c.environment, err)
		}
		if err != nil && strings.Contains(err.Error(), "long enough") {
			t.Errorf("the error repeats a key: %v", err)
		}
	}
}

// BenchmarkWrongKey shows that unknown and wrong keys cost the same: compare
// the two.
func BenchmarkWrongKey(b *testing.B) {
	st := &keyStore{keys: map[string]workflow.Key{}}
	keys := NewAPIKeys(st, []byte("pepper"))
	_, key, err := keys.Create(b.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"unknown": keyText(newKeyID()), "wrong": keyText(key.ID)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := keys.Verify(b.Context(), text, netip.Addr{}); workflow.ReasonOf(err) != "invalid_api_key" {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestUnknownAndWrongKeysTakeOnePath: both are looked up once, remembered, and
// compared; nothing tells whether the id exists.
func TestUnknownAndWrongKeysTakeOnePath(t *testing.T) {
	t.Parallel()
	keys, st := newKeys(t)
	_, key, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"unknown": keyText(newKeyID()), "wrong": keyText(key.ID)} {
		before := st.reads
		for range 10 {
			if _, err := keys.Verify(t.Context(), text, netip.Addr{}); workflow.ReasonOf(err) != "invalid_api_key" {
				t.Fatal(err)
			}
		}
		if n := st.reads - before; n != 1 {
			t.Errorf("%s: the store was asked %d times", name, n)
		}
	}
}
