package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// special is how a capability is served whose request or answer is not JSON;
// nil for the others.
func (s *Server) special(capability *service.Capability, prefix string) echo.HandlerFunc {
	switch capability.Name {
	case "upload_file":
		return s.upload
	case "download_file":
		return s.download
	case "download_execution_file":
		return s.downloadOfExecution
	case "follow_execution":
		return s.streamLogs
	case "chat":
		return s.chat
	case "follow_chat":
		return s.followChat
	case "create_chat_ticket":
		return func(c echo.Context) error { return s.chatTicket(c, prefix) }
	case "create_execution_ticket":
		return func(c echo.Context) error {
			id := pathParam(c, "execution_id")
			err := s.Service.Perform(c.Request().Context(), capability.Name, service.ExecutionRef{ExecutionID: id}, func(ctx context.Context) error {
				_, err := s.Service.Execution(ctx, service.GetExecutionInput{ExecutionID: id, Detail: "status"})
				return err
			})
			if err != nil {
				return err
			}
			return s.giveTicket(c, executionStream(c), prefix+"/executions/"+url.PathEscape(id)+"/logs/stream")
		}
	}
	return nil
}

// checkSpecial makes sure that every such capability is served.
func (s *Server) checkSpecial() error {
	for _, c := range s.Service.Capabilities() {
		if c.Raw && s.special(c, "") == nil {
			return fmt.Errorf("web: nothing serves the capability %s, which is not JSON", c.Name)
		}
	}
	return nil
}

// entry is who may come in by a capability's routes.
func (s *Server) entry(capability *service.Capability) echo.MiddlewareFunc {
	if capability.Name == "follow_execution" {
		return s.listener(executionStream)
	}
	if capability.Name == "follow_chat" {
		return s.listener(chatStream)
	}
	return s.authenticate(auth.TierApp)
}

// specialHandler is appHandler for what the door serves by itself: the same
// rules come first.
func (s *Server) specialHandler(capability *service.Capability, serve echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.authorize(c, capability); err != nil {
			return err
		}
		for name := range c.QueryParams() {
			if capability.Input.Property(name) == "" {
				return fault(name, "is not a parameter here")
			}
		}
		return serve(c)
	}
}

// upload keeps the request's body, or the file of its form.
func (s *Server) upload(c echo.Context) error {
	r := c.Request()
	u := service.Upload{Name: c.QueryParam("name"), MimeType: r.Header.Get("Content-Type"), Body: r.Body, Size: r.ContentLength}
	kind, params, err := mime.ParseMediaType(u.MimeType)
	if err != nil && u.MimeType != "" {
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "the Content-Type is not one: "+err.Error())
	}
	if u.SHA256, err = announcedDigest(r.Header); err != nil {
		return err
	}
	if kind == "multipart/form-data" {
		part, err := filePart(r.Body, params["boundary"])
		if err != nil {
			return err
		}
		u.Body, u.Size, u.MimeType = part, -1, part.Header.Get("Content-Type")
		if u.Name == "" {
			u.Name = part.FileName()
		}
	} else if u.Name == "" {
		if _, p, err := mime.ParseMediaType(r.Header.Get("Content-Disposition")); err == nil {
			u.Name = p["filename"]
		}
	}
	v, err := s.Service.SaveFile(r.Context(), u)
	if err != nil {
		return readError(err)
	}
	c.Response().Header().Set("Location", strings.TrimSuffix(r.URL.Path, "/")+"/"+v.FileID)
	return writeJSON(c, http.StatusCreated, v)
}

// readError tells a body that could not be read from what else may go wrong.
func readError(err error) error {
	var known *workflow.Error
	var inner *http.MaxBytesError
	if errors.As(err, &known) || errors.As(err, &inner) {
		return err
	}
	return workflow.Wrap(workflow.CodeInvalid, err, "the request body could not be read to its end")
}

// filePart is the first file of a form.
func filePart(body io.Reader, boundary string) (*multipart.Part, error) {
	if boundary == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "Content-Type: multipart/form-data needs a boundary")
	}
	form := multipart.NewReader(body, boundary)
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, fault("file", "is missing: send the file as a part with a filename")
		}
		if err != nil {
			return nil, readError(err)
		}
		if part.FileName() != "" {
			return part, nil
		}
	}
}

// announcedDigest reads the SHA-256 of Content-Digest (RFC 9530), in hex. Of
// a form it is the form's, which is not kept, so it is not looked at there.
func announcedDigest(h http.Header) (string, error) {
	if strings.HasPrefix(h.Get("Content-Type"), "multipart/") {
		return "", nil
	}
	for _, entry := range strings.Split(h.Get("Content-Digest"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(entry), "=")
		if name != "sha-256" {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(strings.Trim(value, ":"))
		if err != nil || len(sum) != 32 {
			return "", fault("Content-Digest", "sha-256 must be 32 bytes in base64 between colons")
		}
		return hex.EncodeToString(sum), nil
	}
	return "", nil
}

func (s *Server) download(c echo.Context) error {
	f, err := s.Service.OpenFile(c.Request().Context(), service.FileRef{FileID: pathParam(c, "file_id")})
	if err != nil {
		return err
	}
	return s.serveContent(c, f)
}

func (s *Server) downloadOfExecution(c echo.Context) error {
	in := service.ExecutionFileInput{}
	args, err := arguments(c, s.Service.Capability("download_execution_file"), service.Route{}, nil)
	if err != nil {
		return err
	}
	if err := s.Service.Capability("download_execution_file").Input.Decode(args, &in); err != nil {
		return err
	}
	f, err := s.Service.OpenExecutionFile(c.Request().Context(), in)
	if err != nil {
		return err
	}
	return s.serveContent(c, f)
}

// serveContent answers with a file, which is somebody's content on our
// origin: it is saved, not shown, and were it shown it could do nothing.
func (s *Server) serveContent(c echo.Context, f *service.Content) error {
	defer f.Body.Close()
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Disposition", attachment(f.Name))
	h.Set("Content-Type", contentType(f.MimeType))
	h.Set("Cache-Control", "private, no-cache")
	if sum, err := hex.DecodeString(f.SHA256); err == nil && len(sum) > 0 {
		h.Set("ETag", `"`+f.SHA256+`"`)
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	}
	http.ServeContent(steadyWriter{c.Response(), http.NewResponseController(c.Response()), s.times.write}, c.Request(), "", f.CreatedAt, f.Body)
	return nil
}

// steadyWriter gives each write its time, however long the whole takes.
type steadyWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func (w steadyWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // not every writer has deadlines; those of connections do
	return w.ResponseWriter.Write(p)
}

// attachment names a file for saving: plainly for old clients, and in full.
func attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, name)
	out := `attachment; filename="` + plain + `"`
	if plain != name {
		out += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return out
}

// contentType is a type fit for a header; scripts and pages of others are not
// served as such.
func contentType(kind string) string {
	base, _, err := mime.ParseMediaType(kind)
	switch {
	case err != nil:
		return "application/octet-stream"
	case slices.Contains([]string{"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "text/javascript", "application/javascript"}, base):
		return "application/octet-stream"
	case strings.HasPrefix(base, "text/"):
		return base + "; charset=utf-8"
	}
	return base
}
