package node

import (
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHTTPCredentials(t *testing.T) {
	t.Parallel()
	echo := newEchoServer(t)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		_ = r.ParseForm()
		if user != "id" || pass != "se%20cret" || r.Form.Get("grant_type") != "client_credentials" || r.Form.Get("scope") != "a b" {
			answerJSON(w, 401, `{"error":"invalid_client"}`)
			return
		}
		answerJSON(w, 200, `{"access_token":"fresh","token_type":"Bearer"}`)
	}))
	t.Cleanup(tokens.Close)
	cases := []struct {
		name, params, kind string
		fields             map[string]string
		want               string
	}{
		{"basic", `"authentication":"genericCredentialType","genericAuthType":"httpBasicAuth"`, "httpBasicAuth", map[string]string{"user": "u", "password": "p"}, `"auth":"Basic dTpw"`},
		{"bearer", `"authentication":"genericCredentialType","genericAuthType":"httpBearerAuth"`, "httpBearerAuth", map[string]string{"token": "t"}, `"auth":"Bearer t"`},
		{"header", `"authentication":"genericCredentialType","genericAuthType":"httpHeaderAuth"`, "httpHeaderAuth", map[string]string{"name": "X-Test", "value": "v"}, `"xTest":"v"`},
		{"query", `"authentication":"genericCredentialType","genericAuthType":"httpQueryAuth"`, "httpQueryAuth", map[string]string{"name": "k", "value": "a b"}, `"url":"/echo?k=a%20b"`},
		{"custom", `"authentication":"genericCredentialType","genericAuthType":"httpCustomAuth"`, "httpCustomAuth", map[string]string{"json": `{"headers":{"X-Test":"c"},"qs":{"q":"1"}}`}, `"url":"/echo?q=1"`},
		{"oauth2", `"authentication":"genericCredentialType","genericAuthType":"oAuth2Api"`, "oAuth2Api", map[string]string{"accessTokenUrl": tokens.URL, "clientId": "id", "clientSecret": "se cret", "scope": "a b"}, `"auth":"Bearer fresh"`},
		{"predefined token", `"authentication":"predefinedCredentialType","nodeCredentialType":"slackApi"`, "slackApi", map[string]string{"accessToken": "xoxb"}, `"auth":"Bearer xoxb"`},
		{"predefined user", `"authentication":"predefinedCredentialType","nodeCredentialType":"jiraApi"`, "jiraApi", map[string]string{"email": "a", "password": "b"}, `"auth":"Basic YTpi"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			host := newHTTPHost()
			host.secrets = map[string]map[string]string{c.kind: c.fields}
			out, err := runHTTPRequest(t.Context(), callFor(t, httpRequest(), 4.2, `{"url":"`+echo.URL+`/echo",`+c.params+`}`, host, ann))
			if err != nil {
				t.Fatal(err)
			}
			if got := itemsText(t, out.Main[0]); !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s in it", got, c.want)
			}
		})
	}
	t.Run("v1", func(t *testing.T) {
		t.Parallel()
		host := newHTTPHost()
		host.secrets = map[string]map[string]string{"httpBasicAuth": {"user": "u", "password": "p"}}
		out, err := runHTTPRequest(t.Context(), callFor(t, httpRequest(), 1, `{"url":"`+echo.URL+`/echo","authentication":"basicAuth"}`, host, ann))
		if err != nil || !strings.Contains(itemsText(t, out.Main[0]), "Basic dTpw") {
			t.Errorf("%v, %v", out, err)
		}
	})
}

func TestHTTPDigest(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := challengeParams(strings.TrimPrefix(r.Header.Get("Authorization"), "Digest "))
		h := func(s string) string { return hashed(md5.New, s) }
		want := h(h("u:r:p") + ":n1:" + p["nc"] + ":" + p["cnonce"] + ":auth:" + h("GET:"+p["uri"]))
		if p["response"] != want || p["uri"] != "/x?a=1" || p["opaque"] != "o" {
			w.Header().Set("WWW-Authenticate", `Digest realm="r", nonce="n1", qop="auth,auth-int", opaque="o"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "in")
	}))
	t.Cleanup(srv.Close)
	for password, ok := range map[string]bool{"p": true, "wrong": false} {
		host := newHTTPHost()
		host.secrets = map[string]map[string]string{"httpDigestAuth": {"user": "u", "password": password}}
		c := callFor(t, httpRequest(), 4.2, `{"url":"`+srv.URL+`/x?a=1","authentication":"genericCredentialType","genericAuthType":"httpDigestAuth"}`, host, ann)
		_, err := runHTTPRequest(t.Context(), c)
		if (err == nil) != ok {
			t.Errorf("password %q: %v", password, err)
		}
	}
}

func TestHTTPNeverRecordsCredentials(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, 403, `{"message":"no"}`) }))
	t.Cleanup(srv.Close)
	host := newHTTPHost()
	host.secrets = map[string]map[string]string{"httpQueryAuth": {"name": "k", "value": "hush"}}
	c := callFor(t, httpRequest(), 4.2, `{"url":"`+srv.URL+`","authentication":"genericCredentialType","genericAuthType":"httpQueryAuth","options":{"response":{"response":{"neverError":true,"fullResponse":true}}}}`, host, ann)
	out, err := runHTTPRequest(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%s %s", host.effects, itemsText(t, out.Main[0])); strings.Contains(all, "hush") {
		t.Errorf("the credential shows: %s", all)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	c = callFor(t, httpRequest(), 4.2, `{"url":"`+gone.URL+`","authentication":"genericCredentialType","genericAuthType":"httpQueryAuth"}`, host, bob, bob)
	host.effects = map[string][]byte{}
	if _, err := runHTTPRequest(t.Context(), c); err == nil || strings.Contains(fmt.Sprintf("%+v", err), "hush") {
		t.Errorf("error = %+v", err)
	}
}
