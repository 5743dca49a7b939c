package node

import (
	"encoding/base64"
	"strings"

	"flowgate/internal/workflow"
)

// httpAuth puts a stored credential on requests. A nil one does nothing. It
// is not changed once made, so requests may share it. Nothing of it is ever
// recorded.
type httpAuth struct {
	kind    string
	fields  map[string]string
	headers []HTTPField
	query   []HTTPField
	body    []HTTPField
	digest  bool
}

// credentialHeaders are services whose credentials go into headers of their
// own, beyond a bearer token: header name and the text before the field.
var credentialHeaders = map[string]struct{ header, prefix, field string }{
	"anthropicApi":          {"x-api-key", "", "apiKey"},
	"googlePalmApi":         {"x-goog-api-key", "", "apiKey"},
	"gitlabApi":             {"PRIVATE-TOKEN", "", "accessToken"},
	"shopifyAccessTokenApi": {"X-Shopify-Access-Token", "", "accessToken"},
	"elevenLabsApi":         {"xi-api-key", "", "apiKey"},
	"sendInBlueApi":         {"api-key", "", "apiKey"},
	"pipedriveApi":          {"x-api-token", "", "apiToken"},
	"discordBotApi":         {"Authorization", "Bot ", "botToken"},
	"n8nApi":                {"X-N8N-API-KEY", "", "apiKey"},
}

// tokenFields are where a credential keeps its token, best first.
var tokenFields = []string{"access_token", "accessToken", "oauth_token", "token", "apiKey", "api_key", "apiToken", "secretKey", "key", "botToken", "internalSecret"}

// newHTTPAuth reads a credential of a kind. An OAuth2 credential must carry
// its access token by now.
func newHTTPAuth(kind string, fields map[string]string) (*httpAuth, error) {
	a := &httpAuth{kind: kind, fields: fields}
	switch kind {
	case "httpBasicAuth":
		a.basic(credentialField(fields, "user", "username"), fields["password"])
	case "httpDigestAuth":
		a.digest = true
	case "httpHeaderAuth":
		a.headers = []HTTPField{{Name: fields["name"], Value: fields["value"]}}
	case "httpQueryAuth":
		a.query = []HTTPField{{Name: fields["name"], Value: fields["value"]}}
	case "httpBearerAuth":
		a.bearer(fields["token"])
	case "httpCustomAuth":
		return a, a.custom(fields["json"])
	case "oAuth1Api":
		return nil, Fail("OAuth1 credentials are not supported. Use an OAuth2, header or query credential instead.")
	default:
		return a, a.predefined()
	}
	return a, nil
}

func credentialField(fields map[string]string, names ...string) string {
	for _, n := range names {
		if fields[n] != "" {
			return fields[n]
		}
	}
	return ""
}

func (a *httpAuth) basic(user, password string) {
	token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	a.headers = append(a.headers, HTTPField{Name: "Authorization", Value: "Basic " + token})
}

func (a *httpAuth) bearer(token string) {
	token = strings.TrimSpace(token)
	if len(token) < 7 || !strings.EqualFold(token[:7], "bearer ") {
		token = "Bearer " + token
	}
	a.headers = append(a.headers, HTTPField{Name: "Authorization", Value: token})
}

// custom reads {headers, qs, body} from JSON text.
func (a *httpAuth) custom(text string) error {
	v, err := workflow.DecodeJSON([]byte(text))
	o, ok := v.(*workflow.Object)
	if err != nil || !ok {
		return Fail("The custom credential is not a JSON object with headers, qs or body. Edit the credential.")
	}
	a.headers, _ = httpFieldsOf(o.Value("headers"), "headers")
	a.query, _ = httpFieldsOf(o.Value("qs"), "qs")
	a.body, _ = httpFieldsOf(o.Value("body"), "body")
	return nil
}

// predefined treats a service's own credential: by its table entry, else as a
// bearer token, else as a user with a password.
func (a *httpAuth) predefined() error {
	if h, ok := credentialHeaders[a.kind]; ok && a.fields[h.field] != "" {
		a.headers = append(a.headers, HTTPField{Name: h.header, Value: h.prefix + a.fields[h.field]})
		if a.kind == "anthropicApi" {
			a.headers = append(a.headers, HTTPField{Name: "anthropic-version", Value: "2023-06-01"})
		}
		return nil
	}
	if name := a.fields["name"]; name != "" && a.fields["value"] != "" {
		a.headers = append(a.headers, HTTPField{Name: name, Value: a.fields["value"]})
		return nil
	}
	if token := credentialField(a.fields, tokenFields...); token != "" {
		a.bearer(token)
		if a.kind == "notionApi" {
			a.headers = append(a.headers, HTTPField{Name: "Notion-Version", Value: "2022-06-28"})
		}
		return nil
	}
	if user := credentialField(a.fields, "user", "username", "email"); user != "" {
		a.basic(user, credentialField(a.fields, "password", "apiToken"))
		return nil
	}
	return Fail("The credential of type %q has no token, key or user to send. Use a header, bearer or query credential instead.", a.kind)
}

// extend returns the call with what the credential adds to its query and
// body. The call itself is left alone.
func (a *httpAuth) extend(k *httpCall) *httpCall {
	if a == nil || len(a.query)+len(a.body) == 0 {
		return k
	}
	q := *k
	q.query = append(append([]HTTPField(nil), k.query...), a.query...)
	for _, f := range a.body {
		if q.body != nil {
			q.body = q.body.setField(f.Name, f.Value)
		}
	}
	return &q
}

// sign adds the credential's headers; a header the node sets itself wins only
// where the credential has none of that name.
func (a *httpAuth) sign(out *httpOutgoing) error {
	if a == nil {
		return nil
	}
	for _, h := range a.headers {
		if h.Name == "" {
			return Fail("The credential of type %q names no header. Edit the credential.", a.kind)
		}
		out.setHeader(h.Name, textOf(h.Value), false)
	}
	return nil
}

// secretHeaders are the names that must not go to another origin.
func (a *httpAuth) secretHeaders() []string {
	if a == nil {
		return nil
	}
	out := make([]string, 0, len(a.headers))
	for _, h := range a.headers {
		out = append(out, h.Name)
	}
	return out
}

func (a *httpAuth) digests() bool { return a != nil && a.digest }
