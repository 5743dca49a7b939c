package node

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
)

// CredentialKind is the type of credential callers are checked against, ""
// where anybody may call.
func (w *Webhook) CredentialKind() string {
	switch w.Params.Authentication {
	case "basicAuth":
		return "httpBasicAuth"
	case "headerAuth":
		return "httpHeaderAuth"
	case "jwtAuth":
		return "jwtAuth"
	}
	return ""
}

// Admit decides whether a call may start the workflow: by its address, its
// user agent, and what it shows against the fields of the node's credential.
// It returns the claims of the caller's token, nil for other kinds; a refusal
// is the response to give.
func (w *Webhook) Admit(call workflow.WebhookCall, credential map[string]string) (*workflow.Object, *workflow.Response) {
	o := w.Params.Options
	if !addressListed(o.IPWhitelist, call.IP) {
		return nil, refusal(http.StatusForbidden, "This address may not call the webhook.")
	}
	if o.IgnoreBots && isBot(callHeader(call, "user-agent")) {
		return nil, refusal(http.StatusForbidden, "Crawlers may not call this webhook.")
	}
	kind := w.CredentialKind()
	if kind == "" {
		return nil, nil
	}
	if len(credential) == 0 {
		return nil, jsonResponse(http.StatusInternalServerError, workflow.NewObject("code", 0.0, "message", "The webhook asks for authentication, but its credential is missing"))
	}
	switch kind {
	case "httpBasicAuth":
		return nil, admitBasic(call, credential)
	case "httpHeaderAuth":
		got := callHeader(call, strings.ToLower(credential["name"]))
		if credential["name"] == "" || !sameSecret(got, credential["value"]) {
			return nil, refusal(http.StatusForbidden, "The authorization header is missing or wrong.")
		}
		return nil, nil
	}
	return admitJWT(call, credential)
}

func admitBasic(call workflow.WebhookCall, credential map[string]string) *workflow.Response {
	scheme, text, _ := strings.Cut(callHeader(call, "authorization"), " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if !strings.EqualFold(scheme, "basic") || err != nil {
		return refusal(http.StatusUnauthorized, "A user name and a password are required.")
	}
	user, password, _ := strings.Cut(string(raw), ":")
	okUser := sameSecret(user, credentialField(credential, "user", "username"))
	if okPassword := sameSecret(password, credential["password"]); !okUser || !okPassword {
		return refusal(http.StatusForbidden, "The user name or the password is wrong.")
	}
	return nil
}

func admitJWT(call workflow.WebhookCall, credential map[string]string) (*workflow.Object, *workflow.Response) {
	scheme, token, _ := strings.Cut(callHeader(call, "authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return nil, refusal(http.StatusUnauthorized, "A bearer token is required.")
	}
	key, err := jwtKey(credential, false)
	if err != nil {
		return nil, jsonResponse(http.StatusInternalServerError, workflow.NewObject("code", 0.0, "message", err.Error()))
	}
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(strings.TrimSpace(token), claims, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{jwtAlgorithm(credential)}))
	if err != nil {
		return nil, refusal(http.StatusForbidden, "The token is not valid.")
	}
	v, err := workflow.FromGo(map[string]any(claims))
	if err != nil {
		return nil, refusal(http.StatusForbidden, "The token is not valid.")
	}
	o, _ := v.(*workflow.Object)
	return o, nil
}

func jwtAlgorithm(credential map[string]string) string {
	return orText(credential["algorithm"], "HS256")
}

// jwtKey is the key of a jwtAuth credential: its secret for HS algorithms, its
// private or public PEM key for others.
func jwtKey(credential map[string]string, private bool) (any, error) {
	alg := jwtAlgorithm(credential)
	if strings.HasPrefix(alg, "HS") {
		if credential["secret"] == "" {
			return nil, Fail("The JWT credential has no secret. Edit the credential.")
		}
		return []byte(credential["secret"]), nil
	}
	pem := []byte(credential["publicKey"])
	if private {
		pem = []byte(credential["privateKey"])
	}
	key, err := pemKey(alg, pem, private)
	if err != nil {
		return nil, Fail("The JWT credential's key cannot be used with the algorithm %s. Edit the credential.", alg)
	}
	return key, nil
}

func pemKey(alg string, pem []byte, private bool) (any, error) {
	switch {
	case strings.HasPrefix(alg, "ES") && private:
		return jwt.ParseECPrivateKeyFromPEM(pem)
	case strings.HasPrefix(alg, "ES"):
		return jwt.ParseECPublicKeyFromPEM(pem)
	case strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS"):
		if private {
			return jwt.ParseRSAPrivateKeyFromPEM(pem)
		}
		return jwt.ParseRSAPublicKeyFromPEM(pem)
	}
	return nil, Fail("unknown algorithm")
}

func sameSecret(got, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// addressListed reports whether ip is on a list of addresses and ranges with
// commas. An empty list has everybody on it.
func addressListed(list, ip string) bool {
	if strings.TrimSpace(list) == "" {
		return true
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return false
	}
	addr = addr.WithZone("").Unmap()
	for _, e := range strings.Split(list, ",") {
		e = strings.TrimSpace(e)
		if one, err := netip.ParseAddr(e); err == nil && one.WithZone("").Unmap() == addr {
			return true
		}
		if p, err := netip.ParsePrefix(e); err == nil && p.Contains(addr) {
			return true
		}
	}
	return false
}

// botMarks are parts of user agents of crawlers and link previews.
var botMarks = []string{"bot", "crawl", "spider", "slurp", "facebookexternalhit", "embedly", "preview", "whatsapp", "headlesschrome", "lighthouse"}

func isBot(agent string) bool {
	agent = strings.ToLower(agent)
	for _, m := range botMarks {
		if strings.Contains(agent, m) {
			return true
		}
	}
	return false
}

// refusal is a plain sentence, with the header that makes browsers ask for a
// password.
func refusal(status int, text string) *workflow.Response {
	return &workflow.Response{Status: status, Headers: [][2]string{
		{"Content-Type", "text/plain; charset=utf-8"}, {"WWW-Authenticate", `Basic realm="Webhook"`},
	}, Body: []byte(text)}
}
