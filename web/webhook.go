package web

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/workflow"
)

const (
	webhookPrefix = "/webhook/"
	testPrefix    = "/webhook-test/"
)

// webhookRoutes are the addresses of active workflows, and of those that are
// being tried. What a workflow answers there is somebody else's content on our
// origin.
func (s *Server) webhookRoutes() {
	s.echo.Any(webhookPrefix+"*", s.webhook(webhookPrefix, s.Webhook))
	s.echo.Any(testPrefix+"*", s.webhook(testPrefix, s.TestHook))
}

func (s *Server) webhook(prefix string, answer WebhookFunc) echo.HandlerFunc {
	return func(c echo.Context) error { return s.serveWebhook(c, prefix, answer) }
}

func (s *Server) serveWebhook(c echo.Context, prefix string, call WebhookFunc) error {
	r := c.Request()
	path, err := hookPath(r, prefix)
	if err != nil {
		return err
	}
	if err := s.Service.LimitWebhook(r.Context(), c.Response().Header(), path); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if workflow.CodeOf(err) == workflow.CodeTooLarge {
			return err
		}
		return workflow.Wrap(workflow.CodeInvalid, err, "the request body could not be read to its end")
	}
	release, err := s.Service.HoldWebhook(r.Context(), path)
	if err != nil {
		return err
	}
	defer release()
	answer, err := call(r.Context(), workflow.WebhookCall{Method: r.Method, Path: path, URL: s.PublicURL + prefix + path,
		Query: r.URL.RawQuery, Headers: headersOf(r), Body: body, IP: c.RealIP()})
	if err != nil {
		return webhookError(c, err)
	}
	return writeAnswer(c, answer)
}

// hookPath is the path that a call of a webhook or form asks for. One that is
// too long for any to have is refused before it is looked for.
func hookPath(r *http.Request, prefix string) (string, error) {
	path := strings.TrimPrefix(r.URL.Path, prefix)
	if len(path) > workflow.MaxHookPath {
		return "", echo.NewHTTPError(http.StatusRequestURITooLong, fmt.Sprintf("the path is longer than %d bytes", workflow.MaxHookPath))
	}
	return path, nil
}

// webhookError tells a path that is armed for other methods from one that is
// not armed at all.
func webhookError(c echo.Context, err error) error {
	methods, ok := detailsOf(err)["methods"].([]string)
	if workflow.CodeOf(err) != workflow.CodeNotFound || !ok {
		return err
	}
	c.Response().Header().Set("Allow", strings.Join(methods, ", "))
	return echo.ErrMethodNotAllowed
}

func writeAnswer(c echo.Context, answer *workflow.Response) error {
	h := c.Response().Header()
	for _, pair := range answer.Headers {
		if name := http.CanonicalHeaderKey(pair[0]); !withheld(name) {
			h.Add(name, pair[1])
		}
	}
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	status := answer.Status
	if status < 200 || status > 599 {
		status = http.StatusOK
	}
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified {
		return nil
	}
	_, err := c.Response().Write(answer.Body)
	return err
}

// withheld are headers a workflow must not set on our origin, or that are the
// connection's own.
func withheld(name string) bool {
	return slices.Contains([]string{"Set-Cookie", "Set-Cookie2", "Clear-Site-Data", "Strict-Transport-Security", "Service-Worker-Allowed", "Public-Key-Pins",
		"Content-Security-Policy", "X-Content-Type-Options", "Access-Control-Allow-Credentials", "Connection", "Transfer-Encoding", "Content-Length",
		"Keep-Alive", "Upgrade", "Trailer", "Te", "Proxy-Authenticate", "Alt-Svc", "Nel", "Report-To", "Reporting-Endpoints", "Accept-Ch", "Origin-Agent-Cluster", headerRequestID}, name)
}

// headersOf returns the request's headers by name; Go keeps no order between
// names.
func headersOf(r *http.Request) [][2]string {
	names := make([]string, 0, len(r.Header)+1)
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	out := [][2]string{{"host", r.Host}}
	for _, name := range names {
		for _, value := range r.Header[name] {
			out = append(out, [2]string{strings.ToLower(name), value})
		}
	}
	return out
}
