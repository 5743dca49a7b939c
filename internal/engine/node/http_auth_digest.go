package node

import (
	"crypto/md5" // RFC 7616 names it; servers still ask for it
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/url"
	"strings"
)

// answerDigest returns the request again with the answer to a digest
// challenge (RFC 7616; MD5 and SHA-256, qop auth or none), nil where the
// challenge is of another kind.
func (a *httpAuth) answerDigest(out *httpOutgoing, answer *httpAnswer) *httpOutgoing {
	scheme, rest, _ := strings.Cut(answer.header("www-authenticate"), " ")
	if !strings.EqualFold(scheme, "digest") {
		return nil
	}
	c := challengeParams(rest)
	newHash := md5.New
	switch strings.ToUpper(c["algorithm"]) {
	case "", "MD5":
	case "SHA-256":
		newHash = sha256.New
	default:
		return nil
	}
	u, err := url.Parse(out.url)
	if err != nil {
		return nil
	}
	u.RawQuery = escapeLoose(u.RawQuery)
	uri, user := u.RequestURI(), credentialField(a.fields, "user", "username")
	cnonce := rand.Text()
	ha1 := hashed(newHash, user+":"+c["realm"]+":"+a.fields["password"])
	ha2 := hashed(newHash, out.method+":"+uri)
	qop := ""
	response := hashed(newHash, ha1+":"+c["nonce"]+":"+ha2)
	if offersAuth(c["qop"]) {
		response = hashed(newHash, ha1+":"+c["nonce"]+":00000001:"+cnonce+":auth:"+ha2)
		qop = fmt.Sprintf(`, qop=auth, nc=00000001, cnonce="%s"`, cnonce)
	}
	header := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s"%s`,
		user, c["realm"], c["nonce"], uri, response, qop)
	for _, name := range []string{"opaque", "algorithm"} {
		if c[name] != "" {
			header += fmt.Sprintf(`, %s="%s"`, name, c[name])
		}
	}
	again := *out
	again.header = out.header.Clone()
	again.header.Set("Authorization", header)
	return &again
}

func offersAuth(qop string) bool {
	for _, q := range strings.Split(qop, ",") {
		if strings.EqualFold(strings.TrimSpace(q), "auth") {
			return true
		}
	}
	return false
}

func hashed(newHash func() hash.Hash, text string) string {
	h := newHash()
	_, _ = h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// challengeParams reads name=value pairs, quoted or not, with commas.
func challengeParams(s string) map[string]string {
	out := map[string]string{}
	for s = strings.TrimLeft(s, " ,"); s != ""; s = strings.TrimLeft(s, " ,") {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return out
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, s, _ = strings.Cut(rest[1:], `"`)
		} else {
			value, s, _ = strings.Cut(rest, ",")
		}
		out[strings.ToLower(strings.TrimSpace(name))] = value
	}
	return out
}
