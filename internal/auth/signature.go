package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"flowgate/internal/workflow"
)

const (
	headerSignatureInput = "Signature-Input"
	headerSignature      = "Signature"
	headerContentDigest  = "Content-Digest"

	// signatureWindow is how long a signature is good from its created time.
	signatureWindow = 5 * time.Minute
	// NonceLife is how long after its created time a signature's nonce has to be
	// remembered.
	NonceLife     = signatureWindow + 2*clockLeeway
	maxComponents = 32
	minNonce      = 8
	maxNonce      = 128
)

// SignedRequest is a request that carries an RFC 9421 signature, not yet
// verified: what was signed, and by which key.
type SignedRequest struct {
	keyID, nonce string
	created      time.Time
	expires      time.Time // zero: none given
	bases        [][]byte  // what may have been signed, by the scheme the client used
	signature    []byte
}

// generateSigning makes a key pair: the private half in PEM (PKCS #8), and the
// public one to keep.
func generateSigning() (private string, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return "", nil, err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), pub, nil
}

// VerifySigned returns the identity behind a signed request, used from ip. On
// its first check it has to be fresh, and its nonce is used up.
func (a *APIKeys) VerifySigned(ctx context.Context, r *SignedRequest, ip netip.Addr, first bool) (*Identity, error) {
	key, err := a.lookup(ctx, r.keyID)
	if err != nil {
		return nil, err
	}
	now := a.now()
	if first && (now.Sub(r.created) > signatureWindow || r.created.Sub(now) > clockLeeway || !r.expires.IsZero() && !now.Before(r.expires)) {
		return nil, errSignature("the signature is not from the last five minutes: sign each request anew, by a clock that is right")
	}
	var public, previous []byte
	if key != nil && key.Signing {
		public = key.Hash
		if now.Before(key.PreviousUntil) {
			previous = key.PreviousHash
		}
	}
	current, before := r.signedBy(public), r.signedBy(previous)
	if !current && !before {
		return nil, errSignature("the signature does not fit the request and the key it names")
	}
	id, err := a.accept(key, ip)
	if err != nil || !first {
		return id, err
	}
	if a.nonces == nil {
		return nil, errSignature("signed requests are not accepted here")
	}
	err = a.nonces.UseNonce(ctx, "signature:"+key.ID, r.nonce, r.created.Add(NonceLife))
	if workflow.CodeOf(err) == workflow.CodeConflict {
		return nil, errSignature("the signature's nonce was used already: sign each request anew, with a nonce of its own")
	}
	if err != nil {
		return nil, err
	}
	return id, nil
}

// signedBy reports whether the key has signed the request. No key takes as
// long as a wrong one.
func (r *SignedRequest) signedBy(public []byte) bool {
	known := len(public) == ed25519.PublicKeySize
	if !known {
		public = nobodysKey
	}
	signed := false
	for _, base := range r.bases {
		signed = ed25519.Verify(public, base, r.signature) || signed
	}
	return signed && known
}

// nobodysKey stands for a key that is not there. Nobody has its private half.
var nobodysKey = func() []byte {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
}()

func errSignature(format string, args ...any) error {
	return workflow.Errorf(workflow.CodeUnauthorized, format, args...).WithReason("invalid_signature")
}

// readSigned reads a request's one signature, and its body, of at most maxBody
// bytes, to compare it with the signed digest.
func readSigned(r *http.Request, maxBody int64) (*SignedRequest, error) {
	label, input, err := oneMember(r.Header, headerSignatureInput)
	if err != nil {
		return nil, err
	}
	list, ok := input.(httpsfv.InnerList)
	if !ok {
		return nil, errSignature("Signature-Input: %q is not a list of components", label)
	}
	signatureLabel, value, err := oneMember(r.Header, headerSignature)
	if err != nil {
		return nil, err
	}
	item, ok := value.(httpsfv.Item)
	signature, isBytes := item.Value.([]byte)
	if !ok || !isBytes || signatureLabel != label || len(signature) != ed25519.SignatureSize {
		return nil, errSignature("Signature: must hold one Ed25519 signature under the label %q of Signature-Input", label)
	}
	s := &SignedRequest{signature: signature}
	if err := s.params(list.Params); err != nil {
		return nil, err
	}
	covered, err := components(list)
	if err != nil {
		return nil, err
	}
	body, err := readBody(r, maxBody)
	if err != nil {
		return nil, err
	}
	if err := checkCovered(covered, r, body); err != nil {
		return nil, err
	}
	for _, scheme := range []string{"https", "http"} {
		base, err := signatureBase(r, scheme, list)
		if err != nil {
			return nil, err
		}
		s.bases = append(s.bases, base)
		if !slices.ContainsFunc(covered, func(c string) bool { return c == "@target-uri" || c == "@scheme" || c == "@authority" }) {
			break // the scheme makes no difference
		}
	}
	return s, nil
}

// oneMember returns the single member of a dictionary header.
func oneMember(h http.Header, name string) (string, httpsfv.Member, error) {
	values := h.Values(name)
	if total := len(strings.Join(values, ",")); total > maxCredential {
		return "", nil, errSignature("%s: is too long", name)
	}
	d, err := httpsfv.UnmarshalDictionary(values)
	if err != nil || len(d.Names()) != 1 || len(values) != 1 {
		return "", nil, errSignature("%s: must hold exactly one signature's part, as RFC 9421 says", name)
	}
	label := d.Names()[0]
	m, _ := d.Get(label)
	return label, m, nil
}

func (r *SignedRequest) params(p *httpsfv.Params) error {
	alg, _ := p.Get("alg")
	if _, given := p.Get("alg"); given && alg != "ed25519" {
		return errSignature("Signature-Input: alg is not ed25519")
	}
	created, ok := p.Get("created")
	at, isInt := created.(int64)
	if !ok || !isInt {
		return errSignature("Signature-Input: created is missing")
	}
	r.created = time.Unix(at, 0)
	if v, given := p.Get("expires"); given {
		until, isInt := v.(int64)
		if !isInt {
			return errSignature("Signature-Input: expires is not a time")
		}
		r.expires = time.Unix(until, 0)
	}
	nonce, _ := p.Get("nonce")
	if r.nonce, ok = nonce.(string); !ok || len(r.nonce) < minNonce || len(r.nonce) > maxNonce {
		return errSignature("Signature-Input: nonce is missing, or not of %d to %d characters", minNonce, maxNonce)
	}
	keyID, _ := p.Get("keyid")
	if r.keyID, ok = keyID.(string); !ok || len(r.keyID) > 100 {
		return errSignature("Signature-Input: keyid is missing: it is the id of a key made with: flowgate keys create --signing")
	}
	r.keyID = strings.TrimPrefix(r.keyID, keyPrefix)
	return nil
}

// components returns the names of what is covered, each once and without
// parameters.
func components(list httpsfv.InnerList) ([]string, error) {
	if len(list.Items) > maxComponents {
		return nil, errSignature("Signature-Input: covers more than %d components", maxComponents)
	}
	var names []string
	for _, item := range list.Items {
		name, ok := item.Value.(string)
		if !ok || name != strings.ToLower(name) || len(item.Params.Names()) > 0 || slices.Contains(names, name) {
			return nil, errSignature("Signature-Input: components are names in lower case, without parameters, once each")
		}
		names = append(names, name)
	}
	return names, nil
}

// checkCovered holds a signature to cover the method, the target and, where
// there is a body, its digest, which has to be right.
func checkCovered(covered []string, r *http.Request, body []byte) error {
	has := func(names ...string) bool {
		for _, n := range names {
			if !slices.Contains(covered, n) {
				return false
			}
		}
		return true
	}
	switch {
	case !has("@method"):
		return errSignature("Signature-Input: @method is not covered")
	case !has("@target-uri") && !has("@authority", "@path", "@query"):
		return errSignature("Signature-Input: the target is not covered: add @target-uri, or @authority, @path and @query")
	case (len(body) > 0 || r.Header.Get(headerContentDigest) != "") && !has("content-digest"):
		return errSignature("Signature-Input: content-digest is not covered, and there is a body")
	case has("content-digest"):
		return checkDigest(r.Header.Values(headerContentDigest), body)
	}
	return nil
}

// checkDigest compares a body with its Content-Digest (RFC 9530), every digest
// given of a kind that is known here.
func checkDigest(values []string, body []byte) error {
	d, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return errSignature("Content-Digest: is not as RFC 9530 says")
	}
	checked := 0
	for kind, sum := range map[string]func() []byte{
		"sha-256": func() []byte { s := sha256.Sum256(body); return s[:] },
		"sha-512": func() []byte { s := sha512.Sum512(body); return s[:] },
	} {
		m, given := d.Get(kind)
		if !given {
			continue
		}
		item, ok := m.(httpsfv.Item)
		digest, isBytes := item.Value.([]byte)
		if !ok || !isBytes || subtle.ConstantTimeCompare(digest, sum()) != 1 {
			return errSignature("Content-Digest: is not that of the body")
		}
		checked++
	}
	if checked == 0 {
		return errSignature("Content-Digest: needs sha-256 or sha-512")
	}
	return nil
}

// signatureBase is what was signed, RFC 9421 section 2.5.
func signatureBase(r *http.Request, scheme string, list httpsfv.InnerList) ([]byte, error) {
	var b bytes.Buffer
	for _, item := range list.Items {
		name, _ := item.Value.(string)
		value, err := component(r, scheme, name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q: %s\n", name, value)
	}
	params, err := httpsfv.Marshal(httpsfv.List{list})
	if err != nil {
		return nil, errSignature("Signature-Input: %v", err)
	}
	fmt.Fprintf(&b, "%q: %s", "@signature-params", params)
	return b.Bytes(), nil
}

// component is the value of one covered component, RFC 9421 sections 2.1 and 2.2.
func component(r *http.Request, scheme, name string) (string, error) {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	switch name {
	case "@method":
		return r.Method, nil
	case "@authority":
		return authority(r.Host, scheme), nil
	case "@scheme":
		return scheme, nil
	case "@path":
		return path, nil
	case "@query":
		return "?" + r.URL.RawQuery, nil
	case "@target-uri":
		uri := scheme + "://" + authority(r.Host, scheme) + path
		if r.URL.RawQuery != "" || r.URL.ForceQuery {
			uri += "?" + r.URL.RawQuery
		}
		return uri, nil
	}
	values := r.Header.Values(name)
	if name == "host" {
		values = []string{r.Host}
	}
	if name == "content-length" && len(values) == 0 && r.ContentLength >= 0 {
		values = []string{fmt.Sprint(r.ContentLength)}
	}
	if strings.HasPrefix(name, "@") || len(values) == 0 {
		return "", errSignature("Signature-Input: %.60q is not known here or not in the request", name)
	}
	values = slices.Clone(values)
	for i, v := range values {
		values[i] = strings.TrimSpace(v)
	}
	return strings.Join(values, ", "), nil
}

func authority(host, scheme string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// readBody reads the body and puts it back.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		var known *workflow.Error
		if errors.As(err, &known) {
			return nil, err
		}
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "the request body could not be read")
	}
	if int64(len(body)) > limit {
		return nil, workflow.Errorf(workflow.CodeTooLarge, "the request body is larger than %d bytes", limit)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
