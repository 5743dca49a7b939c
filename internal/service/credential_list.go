package service

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
)

// credentialKinds lists the types of credential with their fields. The last
// stands for types of services that are not listed.
func credentialKinds() []CredentialKind {
	kinds := []CredentialKind{
		{Type: "httpHeaderAuth", Title: "Header", Description: "A header sent with each request, or asked of a webhook's callers.", Fields: []CredentialField{
			{Name: "name", Title: "Header", Type: "text", Required: true, Description: "Name of the header, such as X-API-Key."},
			secretField("value", "Value", true)}, complete: headerName},
		{Type: "httpBasicAuth", Title: "User and password", Description: "HTTP Basic authentication, sent or asked of a webhook's callers.", Fields: userAndPassword()},
		{Type: "httpBearerAuth", Title: "Bearer token", Description: "A token sent in the header Authorization.", Fields: []CredentialField{secretField("token", "Token", true)}},
		{Type: "httpQueryAuth", Title: "Query parameter", Description: "A parameter added to each request's address.", Fields: []CredentialField{
			{Name: "name", Title: "Parameter", Type: "text", Required: true}, secretField("value", "Value", true)}},
		{Type: "httpDigestAuth", Title: "Digest user and password", Description: "HTTP Digest authentication.", Fields: userAndPassword()},
		{Type: "httpCustomAuth", Title: "Custom request parts", Description: "Headers, query parameters and body fields to add to each request.", Fields: []CredentialField{
			{Name: "json", Title: "Parts", Type: "json", Required: true, Secret: true, Description: `Such as {"headers": {"X-Key": "…"}, "qs": {}, "body": {}}.`}}},
		{Type: "jwtAuth", Title: "JSON Web Token", Description: "The key that tokens of a webhook's callers are checked with, or that answers are signed with.", Fields: []CredentialField{
			{Name: "keyType", Title: "Kind of key", Type: "text", Options: []string{"passphrase", "pemKey"}, Default: "passphrase"},
			{Name: "algorithm", Title: "Algorithm", Type: "text", Default: "HS256",
				Options: []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}},
			secretField("secret", "Secret", false),
			{Name: "privateKey", Title: "Private key", Type: "pem", Secret: true, Description: "To sign with; RS, PS and ES algorithms."},
			{Name: "publicKey", Title: "Public key", Type: "pem", Description: "To check with; RS, PS and ES algorithms."}}, complete: jwtComplete},
		{Type: "oAuth2Api", Title: "OAuth2 client credentials", Description: "Gets an access token by client id and secret (RFC 6749, section 4.4), or by a refresh token, and sends it.", Fields: []CredentialField{
			{Name: "grantType", Title: "Grant", Type: "text", Options: []string{"clientCredentials", "refreshToken", "accessToken"}, Default: "clientCredentials"},
			{Name: "accessTokenUrl", Title: "Token address", Type: "url", Address: true},
			{Name: "clientId", Title: "Client id", Type: "text"}, secretField("clientSecret", "Client secret", false),
			{Name: "scope", Title: "Scope", Type: "text"}, {Name: "audience", Title: "Audience", Type: "text"}, {Name: "resource", Title: "Resource", Type: "text"},
			{Name: "authentication", Title: "Client sent in", Type: "text", Options: []string{"header", "body"}, Default: "header"},
			secretField("refreshToken", "Refresh token", false), secretField("accessToken", "Access token", false)}, complete: oauthComplete},
		{Type: "smtp", Title: "Mail server", Description: "A server that takes mail to send.", Fields: []CredentialField{
			{Name: "host", Title: "Host", Type: "text", Required: true, Address: true}, {Name: "port", Title: "Port", Type: "number", Default: "465"},
			{Name: "secure", Title: "TLS from the start", Type: "boolean", Default: "true", Description: "False: STARTTLS where the server offers it."},
			{Name: "disableStartTls", Title: "Never use STARTTLS", Type: "boolean"},
			{Name: "user", Title: "User", Type: "text"}, secretField("password", "Password", false),
			{Name: "hostName", Title: "Name of this host", Type: "text", Description: "Told to the server; empty for localhost."}}},
		{Type: "databaseUrl", Title: "Database", Description: "The address of a database, with its user and password.", Fields: []CredentialField{
			{Name: "url", Title: "Address", Type: "text", Required: true, Secret: true, Description: "Such as postgres://user:password@host:5432/name."}}, complete: databaseAddress},
		{Type: "mcpServer", Title: "MCP server", Description: "An MCP server reached by HTTP, and what to show it.", Fields: []CredentialField{
			{Name: "url", Title: "Address", Type: "url", Required: true, Address: true}, secretField("token", "Bearer token", false),
			{Name: "headerName", Title: "Header", Type: "text", Description: "Name of a header to send besides, or instead of a token."}, secretField("headerValue", "Header's value", false)}, complete: mcpComplete},
		{Type: "openAiApi", Title: "OpenAI", Description: "A key for OpenAI or a service with the same interface.", Fields: []CredentialField{
			secretField("apiKey", "API key", true), {Name: "organizationId", Title: "Organization", Type: "text"},
			{Name: "url", Title: "Base address", Type: "url", Address: true, Default: "https://api.openai.com/v1", Description: "Of another service with the same interface."}}},
		{Type: "anthropicApi", Title: "Anthropic", Description: "A key for Anthropic's models.", Fields: []CredentialField{
			secretField("apiKey", "API key", true), {Name: "url", Title: "Base address", Type: "url", Address: true, Default: "https://api.anthropic.com"}}},
		{Type: "otherApi", Title: "Another service", Description: "A service's own type, under the name that its nodes use (such as slackApi). HTTP Request nodes send its key or token as a header, or its user and password; fields of other names are kept, too.",
			Fields: []CredentialField{secretField("apiKey", "API key", false), secretField("accessToken", "Access token", false), secretField("token", "Token", false),
				{Name: "user", Title: "User", Type: "text"}, secretField("password", "Password", false)}, other: true, complete: someValue},
	}
	for i := range kinds {
		kinds[i].Schema = kinds[i].schema()
	}
	return kinds
}

func secretField(name, title string, required bool) CredentialField {
	return CredentialField{Name: name, Title: title, Type: "text", Required: required, Secret: true}
}

func userAndPassword() []CredentialField {
	return []CredentialField{{Name: "user", Title: "User", Type: "text", Required: true}, secretField("password", "Password", true)}
}

func headerName(v map[string]string) string {
	if strings.ContainsAny(v["name"], " :\t\"(),/;<=>?@[\\]{}") {
		return "name is not the name of a header, such as X-API-Key"
	}
	return ""
}

func jwtComplete(v map[string]string) string {
	if strings.HasPrefix(v["algorithm"], "HS") {
		if v["secret"] == "" {
			return "secret is missing; " + v["algorithm"] + " needs one"
		}
		return ""
	}
	if v["privateKey"] == "" && v["publicKey"] == "" {
		return "privateKey or publicKey is missing; " + v["algorithm"] + " needs one"
	}
	for _, name := range []string{"privateKey", "publicKey"} {
		if v[name] != "" && !keyFits(v[name], v["algorithm"]) {
			return name + " is not a key for " + v["algorithm"] + " in PEM form"
		}
	}
	return ""
}

func keyFits(text, algorithm string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey, x509.ParsePKIXPublicKey,
		func(b []byte) (any, error) { return x509.ParsePKCS1PrivateKey(b) }, func(b []byte) (any, error) { return x509.ParsePKCS1PublicKey(b) },
		func(b []byte) (any, error) { return x509.ParseECPrivateKey(b) },
		func(b []byte) (any, error) {
			c, err := x509.ParseCertificate(b)
			if err != nil {
				return nil, err
			}
			return c.PublicKey, nil
		},
	} {
		key, err := parse(block.Bytes)
		if err != nil {
			continue
		}
		switch key.(type) {
		case *ecdsa.PrivateKey, *ecdsa.PublicKey:
			return strings.HasPrefix(algorithm, "ES")
		case *rsa.PrivateKey, *rsa.PublicKey:
			return strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS")
		}
	}
	return false
}

func oauthComplete(v map[string]string) string {
	switch v["grantType"] {
	case "accessToken":
		if v["accessToken"] == "" {
			return "accessToken is missing"
		}
	case "refreshToken":
		if v["refreshToken"] == "" || v["accessTokenUrl"] == "" {
			return "refreshToken and accessTokenUrl are needed"
		}
	default:
		if v["accessTokenUrl"] == "" || v["clientId"] == "" || v["clientSecret"] == "" {
			return "accessTokenUrl, clientId and clientSecret are needed"
		}
	}
	return ""
}

func databaseAddress(v map[string]string) string {
	u, err := url.Parse(v["url"])
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "url is not an address such as postgres://user:password@host:5432/name"
	}
	return ""
}

func mcpComplete(v map[string]string) string {
	if (v["headerName"] == "") != (v["headerValue"] == "") {
		return "headerName and headerValue go together"
	}
	return ""
}

func someValue(v map[string]string) string {
	if len(v) == 0 {
		return "give at least one value"
	}
	return ""
}

func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}
