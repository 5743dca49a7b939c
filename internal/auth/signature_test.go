package auth

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"

	"flowgate/internal/workflow"
)

// TestSignatureVector is RFC 9421, appendix B.2.6.
func TestSignatureVector(t *testing.T) {
	t.Parallel()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST /foo?param=Value&Pet=dog HTTP/1.1\r\nHost: example.com\r\n" +
		"Date: Tue, 20 Apr 2021 02:07:55 GMT\r\nContent-Type: application/json\r\n" +
		"Content-Digest: sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:\r\n" +
		"Content-Length: 18\r\n\r\n{\"hello\": \"world\"}")))
	if err != nil {
		t.Fatal(err)
	}
	der, _ := base64.StdEncoding.DecodeString("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	d, err := httpsfv.UnmarshalDictionary([]string{`sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := d.Get("sig-b26")
	base, err := signatureBase(r, "https", m.(httpsfv.InnerList))
	if err != nil {
		t.Fatal(err)
	}
	signature, _ := base64.StdEncoding.DecodeString("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
	if !ed25519.Verify(public.(ed25519.PublicKey), base, signature) {
		t.Errorf("the RFC's signature does not fit the base\n%s", base)
	}
	body, err := readBody(r, 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkDigest(r.Header.Values("Content-Digest"), body); err != nil {
		t.Errorf("the RFC's digest: %v", err)
	}
}

// signer signs requests as a client would.
type signer struct {
	id    string
	key   ed25519.PrivateKey
	now   time.Time
	nonce int
}

const usual = `"@method" "@target-uri" "content-digest"`

// sign adds Content-Digest, Signature-Input and Signature.
func (s *signer) sign(t testing.TB, r *http.Request, body, components, params string) {
	t.Helper()
	if body != "" {
		sum := sha256.Sum256([]byte(body))
		r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	s.nonce++
	if params == "" {
		params = fmt.Sprintf(`;created=%d;nonce="nonce-%06d";keyid=%q`, s.now.Unix(), s.nonce, s.id)
	}
	input := "(" + components + ")" + params
	d, err := httpsfv.UnmarshalDictionary([]string{"sig1=" + input})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := d.Get("sig1")
	base, err := signatureBase(r, "http", m.(httpsfv.InnerList))
	if err != nil {
		base = []byte("not to be had")
	}
	r.Header.Set("Signature-Input", "sig1="+input)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(ed25519.Sign(s.key, base))+":")
}

func newSigner(t testing.TB, w *peopleWorld) *signer {
	t.Helper()
	secret, key, err := w.keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}, Signing: true})
	if err != nil {
		t.Fatal(err)
	}
	return &signer{id: key.ID, key: privateOf(t, secret), now: time.Now()}
}

func privateOf(t testing.TB, text string) ed25519.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("%q is not PEM", text)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(ed25519.PrivateKey)
}

func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "http://gw.test/api/mcp/invoke?a=1", strings.NewReader(body))
}

func TestSignedRequests(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s := newSigner(t, w)
	const body = `{"tool_name":"x"}`
	r := post(body)
	s.sign(t, r, body, usual, "")
	p := Present(r, TierMCP, false, 1000)
	id, err := w.door.Authenticate(t.Context(), p)
	if err != nil || id.Subject != "ann" || id.KeyID != s.id || id.Kind != KindAPIKey {
		t.Fatalf("got %+v, %v", id, err)
	}
	if left, err := readBody(r, 1000); err != nil || string(left) != body {
		t.Errorf("the body is gone: %q, %v", left, err)
	}
	if _, err := w.door.Authenticate(t.Context(), p); workflow.ReasonOf(err) != "invalid_signature" {
		t.Errorf("a replay is accepted: %v", err)
	}
	far := &Authenticator{Keys: NewAPIKeys(w.store, []byte("pepper"))} // another process
	if _, err := far.Authenticate(t.Context(), p); workflow.ReasonOf(err) != "invalid_signature" {
		t.Errorf("a replay at another process is accepted: %v", err)
	}
	if _, err := w.door.Reauthenticate(t.Context(), p); err != nil {
		t.Errorf("a stream that goes on: %v", err)
	}
	get := httptest.NewRequest(http.MethodGet, "https://gw.test/mcp", nil)
	s.sign(t, get, "", `"@method" "@authority" "@path" "@query"`, "")
	if _, err := w.door.Authenticate(t.Context(), Present(get, TierMCP, false, 1000)); err != nil {
		t.Errorf("a request without a body: %v", err)
	}
	if err := w.keys.Revoke(t.Context(), "", s.id); err != nil {
		t.Fatal(err)
	}
	if _, err := w.door.Reauthenticate(t.Context(), p); workflow.ReasonOf(err) != "invalid_api_key" {
		t.Errorf("a stream of a revoked key: %v", err)
	}
}

// TestSigningKeysRotate: both halves are good during the overlap.
func TestSigningKeysRotate(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s := newSigner(t, w)
	now := time.Now()
	w.keys.now = func() time.Time { return now }
	secret, _, err := w.keys.Rotate(t.Context(), "ann", s.id, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	next := &signer{id: s.id, key: privateOf(t, secret), now: now, nonce: 100}
	try := func(by *signer) error {
		by.now = now
		r := post("")
		by.sign(t, r, "", `"@method" "@target-uri"`, "")
		_, err := w.door.Authenticate(t.Context(), Present(r, TierMCP, false, 1000))
		return err
	}
	if err := try(s); err != nil {
		t.Errorf("the earlier key during the overlap: %v", err)
	}
	if err := try(next); err != nil {
		t.Errorf("the new key: %v", err)
	}
	now = now.Add(2 * time.Minute)
	if err := try(s); workflow.ReasonOf(err) != "invalid_signature" {
		t.Errorf("the earlier key after the overlap: %v", err)
	}
	if err := try(next); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

// TestForgedSignatures changes what was signed, and how, in every way.
func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s := newSigner(t, w)
	stranger := newSigner(t, w)
	stranger.id = s.id
	text, plain, err := w.keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"tool_name":"x"}`
	params := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	now := s.now.Unix()
	for name, c := range map[string]struct {
		by                 *signer
		components, params string
		after              func(r *http.Request)
	}{
		"another key":           {by: stranger},
		"a key of another kind": {params: params(`;created=%d;nonce="nonce-a1";keyid=%q`, now, plain.ID)},
		"an unknown key":        {params: params(`;created=%d;nonce="nonce-a2";keyid="none"`, now)},
		"no key":                {params: params(`;created=%d;nonce="nonce-a3"`, now)},
		"no nonce":              {params: params(`;created=%d;keyid=%q`, now, s.id)},
		"a short nonce":         {params: params(`;created=%d;nonce="a";keyid=%q`, now, s.id)},
		"no time":               {params: params(`;nonce="nonce-a4";keyid=%q`, s.id)},
		"too old":               {params: params(`;created=%d;nonce="nonce-a5";keyid=%q`, now-301, s.id)},
		"of the future":         {params: params(`;created=%d;nonce="nonce-a6";keyid=%q`, now+120, s.id)},
		"expired":               {params: params(`;created=%d;expires=%d;nonce="nonce-a7";keyid=%q`, now, now-1, s.id)},
		"another algorithm":     {params: params(`;created=%d;nonce="nonce-a8";keyid=%q;alg="hmac-sha256"`, now, s.id)},
		"without the method":    {components: `"@target-uri" "content-digest"`},
		"without the target":    {components: `"@method" "@path" "content-digest"`},
		"without the body":      {components: `"@method" "@target-uri"`},
		"a component twice":     {components: usual + ` "@method"`},
		"odd components":        {components: usual + ` "@status"`},
		"with parameters":       {components: usual + ` "date";sf`},
		"another method":        {after: func(r *http.Request) { r.Method = http.MethodDelete }},
		"another path":          {after: func(r *http.Request) { r.URL.Path = "/api/mcp/other" }},
		"another query":         {after: func(r *http.Request) { r.URL.RawQuery = "a=2" }},
		"another host":          {after: func(r *http.Request) { r.Host = "other.test" }},
		"another body":          {after: func(r *http.Request) { *r = *r.WithContext(r.Context()); r.Body = post(`{"tool_name":"y"}`).Body }},
		"another digest":        {after: func(r *http.Request) { r.Header.Set("Content-Digest", "sha-256=:AAAA:") }},
		"an unknown digest":     {after: func(r *http.Request) { r.Header.Set("Content-Digest", "md5=:AAAA:") }},
		"no digest":             {after: func(r *http.Request) { r.Header.Del("Content-Digest") }},
		"no signature":          {after: func(r *http.Request) { r.Header.Del("Signature") }},
		"another label": {after: func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), "sig1", "sig2", 1))
		}},
		"two signatures":   {after: func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")+", sig2=:AAAA:") }},
		"the header twice": {after: func(r *http.Request) { r.Header.Add("Signature-Input", r.Header.Get("Signature-Input")) }},
		"not a dictionary": {after: func(r *http.Request) { r.Header.Set("Signature-Input", `sig1=("@method"`) }},
		"huge":             {after: func(r *http.Request) { r.Header.Set("Signature-Input", "sig1="+strings.Repeat("(", 1<<16)) }},
	} {
		by, components := c.by, c.components
		if by == nil {
			by = s
		}
		if components == "" {
			components = usual
		}
		r := post(body)
		by.sign(t, r, body, components, c.params)
		if c.after != nil {
			c.after(r)
		}
		id, err := w.door.Authenticate(t.Context(), Present(r, TierMCP, false, 1000))
		if id != nil || workflow.ReasonOf(err) != "invalid_signature" || workflow.CodeOf(err) != workflow.CodeUnauthorized {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	r := post(body)
	s.sign(t, r, body, usual, "")
	r.Header.Set("X-API-Key", text)
	if _, err := w.door.Authenticate(t.Context(), Present(r, TierMCP, false, 1000)); workflow.ReasonOf(err) != "invalid_api_key" {
		t.Errorf("two credentials: %v", err)
	}
	large := post(strings.Repeat("x", 2000))
	s.sign(t, large, strings.Repeat("x", 2000), usual, "")
	if _, err := w.door.Authenticate(t.Context(), Present(large, TierMCP, false, 1000)); workflow.CodeOf(err) != workflow.CodeTooLarge {
		t.Errorf("a large body: %v", err)
	}
	// A signing key cannot be sent, and its public half is not one.
	for _, text := range []string{"wfk_" + s.id, string(s.key.Public().(ed25519.PublicKey))} {
		if _, err := w.keys.Verify(t.Context(), text, netip.Addr{}); workflow.ReasonOf(err) != "invalid_api_key" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzSignatureInput looks for headers that are accepted without a key, or
// that cannot be dealt with.
func FuzzSignatureInput(f *testing.F) {
	f.Add(`sig1=("@method" "@target-uri");created=1;nonce="12345678";keyid="a"`, `sig1=:AAAA:`, "")
	f.Add(`sig1=("@method";sf "x");created=1.5`, `sig1=1`, "sha-256=:AAAA:")
	f.Add(`a=(1 2), b=()`, `a=:YQ==:`, "x")
	keys := NewAPIKeys(&keyStore{keys: map[string]workflow.Key{"a": {ID: "a", Signing: true, Active: true, Hash: nobodysKey}}}, []byte("pepper"))
	a := &Authenticator{Keys: keys}
	f.Fuzz(func(t *testing.T, input, signature, digest string) {
		r := post("body")
		r.Header.Set("Signature-Input", input)
		r.Header.Set("Signature", signature)
		r.Header.Set("Content-Digest", digest)
		p := Present(r, TierMCP, false, 100)
		if input == "" {
			return
		}
		if id, err := a.Authenticate(t.Context(), p); err == nil {
			t.Errorf("%q with %q is accepted as %+v", input, signature, id)
		}
	})
}

// FuzzAuthorization looks for headers that are accepted without a credential.
func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer x", "bearer  y", "Basic eDp5", "Bearer", "Bearer a, Bearer b", "\x00"} {
		f.Add(s, "")
		f.Add("", s)
	}
	is, err := NewIssuer(f.Context(), secrets{})
	if err != nil {
		f.Fatal(err)
	}
	a := &Authenticator{Keys: NewAPIKeys(&keyStore{keys: map[string]workflow.Key{}}, []byte("pepper")), Issuer: is}
	f.Fuzz(func(t *testing.T, authorization, key string) {
		for _, tier := range []Tier{TierMCP, TierApp} {
			r := post("")
			r.Header["Authorization"], r.Header["X-Api-Key"] = []string{authorization}, []string{key}
			p := Present(r, tier, true, 100)
			if strings.ContainsAny(p.Bearer, " ") && strings.HasPrefix(p.Bearer, " ") {
				t.Errorf("%q gives the token %q", authorization, p.Bearer)
			}
			if id, err := a.Authenticate(t.Context(), p); err == nil || workflow.CodeOf(err) != workflow.CodeUnauthorized {
				t.Errorf("%q, %q: %+v, %v", authorization, key, id, err)
			}
		}
	})
}
