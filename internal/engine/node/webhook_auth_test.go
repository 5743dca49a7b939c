package node

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
)

func TestWebhookAdmits(t *testing.T) {
	t.Parallel()
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	sign := func(method jwt.SigningMethod, key any, exp time.Duration) string {
		s, err := jwt.NewWithClaims(method, jwt.MapClaims{"sub": "me", "exp": time.Now().Add(exp).Unix()}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + s
	}
	user := map[string]string{"user": "u", "password": "p"}
	header := map[string]string{"name": "X-Key", "value": "s3cret"}
	token := map[string]string{"secret": "k", "algorithm": "HS256"}
	cases := []struct {
		name, params string
		credential   map[string]string
		header       [2]string
		status       int // 0: admitted
	}{
		{"open", `{}`, nil, [2]string{}, 0},
		{"basic", `{"authentication":"basicAuth"}`, user, [2]string{"authorization", basic("u:p")}, 0},
		{"basic missing", `{"authentication":"basicAuth"}`, user, [2]string{}, 401},
		{"basic wrong", `{"authentication":"basicAuth"}`, user, [2]string{"authorization", basic("u:x")}, 403},
		{"basic without a credential", `{"authentication":"basicAuth"}`, nil, [2]string{"authorization", basic(":")}, 500},
		{"basic empty password", `{"authentication":"basicAuth"}`, map[string]string{"user": "u"}, [2]string{"authorization", basic("u:")}, 403},
		{"header", `{"authentication":"headerAuth"}`, header, [2]string{"x-key", "s3cret"}, 0},
		{"header missing", `{"authentication":"headerAuth"}`, header, [2]string{}, 403},
		{"header wrong", `{"authentication":"headerAuth"}`, header, [2]string{"x-key", "bad"}, 403},
		{"jwt", `{"authentication":"jwtAuth"}`, token, [2]string{"authorization", sign(jwt.SigningMethodHS256, []byte("k"), time.Hour)}, 0},
		{"jwt missing", `{"authentication":"jwtAuth"}`, token, [2]string{}, 401},
		{"jwt expired", `{"authentication":"jwtAuth"}`, token, [2]string{"authorization", sign(jwt.SigningMethodHS256, []byte("k"), -time.Hour)}, 403},
		{"jwt wrong key", `{"authentication":"jwtAuth"}`, token, [2]string{"authorization", sign(jwt.SigningMethodHS256, []byte("x"), time.Hour)}, 403},
		{"jwt other algorithm", `{"authentication":"jwtAuth"}`, token, [2]string{"authorization", sign(jwt.SigningMethodHS512, []byte("k"), time.Hour)}, 403},
		{"jwt unsigned", `{"authentication":"jwtAuth"}`, token, [2]string{"authorization", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, time.Hour)}, 403},
		{"address listed", `{"options":{"ipWhitelist":"10.0.0.1, 192.0.2.0/24"}}`, nil, [2]string{}, 0},
		{"address not listed", `{"options":{"ipWhitelist":"10.0.0.1"}}`, nil, [2]string{}, 403},
		{"bot", `{"options":{"ignoreBots":true}}`, nil, [2]string{"user-agent", "Googlebot/2.1"}, 403},
		{"person", `{"options":{"ignoreBots":true}}`, nil, [2]string{"user-agent", "Mozilla/5.0"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := hookOf(t, 2, c.params)
			claims, refused := w.Admit(workflow.WebhookCall{IP: "192.0.2.9", Headers: [][2]string{c.header}}, c.credential)
			switch {
			case c.status == 0 && refused != nil:
				t.Errorf("refused: %d %s", refused.Status, refused.Body)
			case c.status != 0 && (refused == nil || refused.Status != c.status):
				t.Errorf("response = %v, want %d", refused, c.status)
			case c.name == "jwt" && claims.Value("sub") != "me":
				t.Errorf("claims = %v", claims)
			}
		})
	}
}

func TestWebhookOrigins(t *testing.T) {
	t.Parallel()
	w := hookOf(t, 2, `{"httpMethod":"POST","options":{"allowedOrigins":"https://a.example, https://b.example/"}}`)
	for origin, want := range map[string]bool{"": true, "https://a.example": true, "https://B.example": true, "http://a.example": false, "https://a.example.evil": false} {
		if _, ok := w.Origin(origin); ok != want {
			t.Errorf("origin %q: %v, want %v", origin, ok, want)
		}
	}
	r := w.Preflight("https://a.example", "x-key")
	if r.Status != 204 || len(r.Headers) != 5 {
		t.Errorf("preflight = %+v", r)
	}
	if _, ok := hookOf(t, 2, `{}`).Origin("https://x"); !ok {
		t.Error("without a list every origin may call")
	}
}
