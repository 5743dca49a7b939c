package node

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// oauth2Token returns the access token of an OAuth2 credential: the stored
// one, or a fresh one by the client credentials or refresh token grant (RFC
// 6749, sections 4.4 and 6).
func oauth2Token(ctx context.Context, client *http.Client, fields map[string]string) (string, error) {
	refresh := credentialField(fields, "refresh_token", "refreshToken")
	if t := credentialField(fields, "access_token", "accessToken", "oauth_token"); t != "" && refresh == "" {
		return t, nil
	}
	k := &httpCall{method: http.MethodPost, url: credentialField(fields, "accessTokenUrl", "token_url", "tokenUrl"), accept: acceptJSON, timeout: 30 * time.Second, redirects: -1}
	if k.url == "" {
		return "", Fail("The OAuth2 credential has no access token and no accessTokenUrl to get one from. Edit the credential.")
	}
	form := []HTTPField{{Name: "grant_type", Value: "client_credentials"}}
	if refresh != "" {
		form = []HTTPField{{Name: "grant_type", Value: "refresh_token"}, {Name: "refresh_token", Value: refresh}}
	}
	for _, name := range []string{"scope", "audience", "resource"} {
		if fields[name] != "" {
			form = append(form, HTTPField{Name: name, Value: fields[name]})
		}
	}
	id, secret := credentialField(fields, "clientId", "client_id"), credentialField(fields, "clientSecret", "client_secret")
	if fields["authentication"] == "body" {
		form = append(form, HTTPField{Name: "client_id", Value: id}, HTTPField{Name: "client_secret", Value: secret})
	} else {
		basic := base64.StdEncoding.EncodeToString([]byte(escapeComponent(id) + ":" + escapeComponent(secret)))
		k.headers = []HTTPField{{Name: "Authorization", Value: "Basic " + basic}}
	}
	k.body = &httpBody{kind: "form-urlencoded", fields: form}
	return k.fetchToken(ctx, client)
}

func (k *httpCall) fetchToken(ctx context.Context, client *http.Client) (string, error) {
	limited, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	out, err := k.outgoing(nil)
	if err != nil {
		return "", err
	}
	a, err := out.do(limited, client)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		f := transportFailure(err, k)
		f.Message = "No access token could be had. " + f.Message
		return "", f
	}
	v, _ := workflow.DecodeJSON(a.bytes())
	o, _ := v.(*workflow.Object)
	token := textOf(o.Value("access_token"))
	if a.Status >= http.StatusBadRequest || token == "" {
		f := Fail("The OAuth2 server gave no access token (%d %s): check the credential's client and scope.", a.Status, a.Reason)
		f.Description = clip(strings.TrimSpace(complaintIn(v, 0)), 200)
		return "", f
	}
	return token, nil
}
