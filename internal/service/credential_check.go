package service

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"regexp"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// CredentialCheck is what came of trying a credential.
type CredentialCheck struct {
	CredentialID string `json:"credential_id"`
	OK           bool   `json:"ok"`
	Tried        bool   `json:"tried" jsonschema:"whether the service was asked; otherwise only the values were looked at"`
	Message      string `json:"message"`
}

// checkTimeout bounds a try.
const checkTimeout = 15 * time.Second

// TestCredential tries a credential at its service, where its values say
// where that is, and else looks whether they are complete. What the service
// answers is not repeated, since it may contain what it was sent.
func (s *Service) TestCredential(ctx context.Context, in CredentialRefInput) (*CredentialCheck, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	c, err := v.Store.Credential(ctx, owner(ctx), in.CredentialID)
	if err != nil {
		return nil, err
	}
	out := &CredentialCheck{CredentialID: c.ID}
	values, err := v.open(c)
	if err != nil {
		out.Message = workflow.MessageOf(err)
		return out, nil
	}
	if err := complete(c.Type, values); err != nil {
		out.Message = workflow.MessageOf(err)
		return out, nil
	}
	try := s.tries()[c.Type]
	if try == nil || s.HTTP == nil {
		out.OK, out.Message = true, "The values are complete. Whether the service accepts them shows when a node uses them."
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	out.Tried = true
	message, err := try(ctx, values)
	if err != nil {
		out.Message = tryFailure(ctx, err)
		return out, nil
	}
	out.OK, out.Message = true, message
	return out, nil
}

// complete checks stored values as if they were given now.
func complete(name string, values map[string]string) error {
	kind, err := kindOf(name)
	if err != nil {
		return err
	}
	given := map[string]any{}
	for k, v := range values {
		given[k] = v
	}
	_, err = kind.read(given, nil)
	return err
}

// tryFailure says why a try failed without what was sent: an address may
// hold a secret.
func tryFailure(ctx context.Context, err error) string {
	var said *workflow.Error
	var dns *net.DNSError
	switch {
	case errors.As(err, &said):
		return said.Message
	case ctx.Err() != nil:
		return "The service did not answer in time."
	case errors.As(err, &dns):
		return "The service's host is not known: check the address."
	}
	return "The service could not be reached: check the address, and whether this server may reach it."
}

type tryFunc func(ctx context.Context, values map[string]string) (message string, err error)

func (s *Service) tries() map[string]tryFunc {
	return map[string]tryFunc{"oAuth2Api": s.tryOAuth2, "smtp": s.trySMTP, "databaseUrl": s.tryDatabase, "mcpServer": s.tryMCP,
		"openAiApi": func(ctx context.Context, v map[string]string) (string, error) {
			return s.tryGet(ctx, strings.TrimSuffix(v["url"], "/")+"/models", http.Header{"Authorization": {"Bearer " + v["apiKey"]}})
		},
		"anthropicApi": func(ctx context.Context, v map[string]string) (string, error) {
			base := strings.TrimSuffix(strings.TrimSuffix(v["url"], "/"), "/v1")
			return s.tryGet(ctx, base+"/v1/models", http.Header{"X-Api-Key": {v["apiKey"]}, "Anthropic-Version": {"2023-06-01"}})
		}}
}

func (s *Service) tryGet(ctx context.Context, address string, header http.Header) (string, error) {
	return s.try(ctx, http.MethodGet, address, header, nil)
}

// try sends one request. A redirect is not followed: it would take the
// secret elsewhere.
func (s *Service) try(ctx context.Context, method, address string, header http.Header, body io.Reader) (string, error) {
	resp, err := s.send(ctx, method, address, header, body)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "", downstream("The service refuses the credential (status %d).", status)
	case status >= http.StatusMultipleChoices:
		return "", downstream("The service answered with status %d: check the address.", status)
	}
	return fmt.Sprintf("The service accepted the credential (status %d).", resp.StatusCode), nil
}

func (s *Service) send(ctx context.Context, method, address string, header http.Header, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, downstream("The address is not one that can be called.")
	}
	req.Header = header
	client := *s.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client.Do(req)
}

func downstream(format string, args ...any) error {
	return workflow.Errorf(workflow.CodeDownstream, format, args...)
}

func (s *Service) tryMCP(ctx context.Context, v map[string]string) (string, error) {
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	if v["token"] != "" {
		header.Set("Authorization", "Bearer "+v["token"])
	}
	if v["headerName"] != "" {
		header.Set(v["headerName"], v["headerValue"])
	}
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"flowgate","version":"1"}}}`
	return s.try(ctx, http.MethodPost, v["url"], header, strings.NewReader(hello))
}

var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

func (s *Service) tryOAuth2(ctx context.Context, v map[string]string) (string, error) {
	if v["grantType"] == "accessToken" {
		return "The access token is there. Whether the service accepts it shows when a node uses it.", nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if v["grantType"] == "refreshToken" {
		// A server may take a refresh token back once it was used.
		return "The values are complete. The refresh token is not used for a try, since that may use it up.", nil
	}
	for _, name := range []string{"scope", "audience", "resource"} {
		if v[name] != "" {
			form.Set(name, v[name])
		}
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if v["authentication"] == "body" {
		form.Set("client_id", v["clientId"])
		form.Set("client_secret", v["clientSecret"])
	} else {
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(v["clientId"]), url.QueryEscape(v["clientSecret"]))
	}
	resp, err := s.send(ctx, http.MethodPost, v["accessTokenUrl"], header, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if json.Unmarshal(data, &answer) != nil || answer.AccessToken == "" {
		why := ""
		if oauthCode.MatchString(answer.Error) {
			why = ", " + answer.Error
		}
		return "", downstream("The service gave no access token (status %d%s): check client, secret and scope.", resp.StatusCode, why)
	}
	return "The service gave an access token.", nil
}

func (s *Service) trySMTP(ctx context.Context, v map[string]string) (string, error) {
	conn, err := s.dial(ctx, net.JoinHostPort(v["host"], v["port"]))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	secure := &tls.Config{ServerName: v["host"], MinVersion: tls.VersionTLS12}
	if v["secure"] == "true" {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, v["host"])
	if err != nil {
		return "", smtpFailure(ctx, "did not greet as a mail server")
	}
	defer c.Close() //nolint:errcheck // the try is over
	if err := c.Hello(orDefault(v["hostName"], "localhost")); err != nil {
		return "", smtpFailure(ctx, "refuses this host's name")
	}
	if ok, _ := c.Extension("STARTTLS"); ok && v["secure"] != "true" && v["disableStartTls"] != "true" {
		if err := c.StartTLS(secure); err != nil {
			return "", smtpFailure(ctx, "offers STARTTLS with a certificate that does not fit")
		}
	}
	if v["user"] == "" {
		return "The mail server answers; it was asked without a user.", nil
	}
	if err := c.Auth(smtp.PlainAuth("", v["user"], v["password"], v["host"])); err != nil {
		return "", smtpFailure(ctx, "does not accept user and password, or not without TLS")
	}
	return "The mail server accepted user and password.", nil
}

func smtpFailure(ctx context.Context, what string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return downstream("The mail server %s.", what)
}

func (s *Service) tryDatabase(ctx context.Context, v map[string]string) (string, error) {
	u, err := url.Parse(v["url"])
	if err != nil {
		return "", downstream("The address cannot be read.")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"postgres": "5432", "postgresql": "5432", "mysql": "3306", "redis": "6379", "mongodb": "27017", "sqlserver": "1433"}[u.Scheme]
	}
	if port == "" {
		return "The address is complete; its port is not known, so it was not tried.", nil
	}
	conn, err := s.dial(ctx, net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", err
	}
	return "The database's host can be reached; user and password were not tried.", conn.Close()
}

// dial connects as workflows may, for no longer than ctx.
func (s *Service) dial(ctx context.Context, address string) (net.Conn, error) {
	if s.Dial == nil {
		return nil, downstream("This server cannot try credentials of this type.")
	}
	conn, err := s.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	return conn, err
}

func orDefault(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
