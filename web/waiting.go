package web

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

const (
	waitingPrefix = "/webhook-waiting/"
	formPrefix    = "/form-waiting/"
)

//go:embed waiting.html
var waitingHTML string

// waitingPage takes two things as they are: markup that the engine made
// harmless, and the workflow's CSS, which cannot leave its element.
var waitingPage = template.Must(template.New("waiting").Funcs(template.FuncMap{
	"markup": func(text string) template.HTML { return template.HTML(text) },                            //nolint:gosec // made by the engine's allow list
	"css":    func(text string) template.CSS { return template.CSS(strings.ReplaceAll(text, "<", "")) }, //nolint:gosec // the page's policy lets it load nothing
}).Parse(waitingHTML))

// waitingRoutes are the signed links under which executions are answered that
// wait for a call, a decision or a form. GET shows, POST decides; a call ends
// the wait by the method its node names.
func (s *Server) waitingRoutes() {
	for _, prefix := range []string{waitingPrefix, formPrefix} {
		s.echo.Any(prefix+":execution_id", s.waiting)
		s.echo.Any(prefix+":execution_id/*", s.waiting)
	}
}

func (s *Server) waiting(c echo.Context) error {
	link, pages := readLink(c), strings.HasPrefix(c.Path(), formPrefix)
	w, err := s.Service.Waiting(c.Request().Context(), link.execution, link.signature, pages)
	if err != nil && c.Request().Method == http.MethodGet && pages && reasonOf(err) == "not_waiting" {
		return s.formStep(c, link, err)
	}
	if err != nil {
		return s.waitingError(c, err)
	}
	if w.Kind == "webhook" {
		return s.waitingCall(c, w, link)
	}
	switch c.Request().Method {
	case http.MethodGet, http.MethodHead:
		return writePage(c, http.StatusOK, page{Waiting: w})
	case http.MethodPost:
		return s.waitingAnswer(c, w)
	}
	c.Response().Header().Set("Allow", "GET, HEAD, POST")
	return echo.ErrMethodNotAllowed
}

// formStep shows what comes next where no page waits for an answer.
func (s *Server) formStep(c echo.Context, l link, cause error) error {
	step, err := s.Service.FormStep(c.Request().Context(), l.execution, l.signature)
	if err != nil {
		return s.waitingError(c, err)
	}
	if step.Ended && !step.Failed {
		return s.waitingError(c, cause)
	}
	return writeStep(c, step, "")
}

func reasonOf(err error) string {
	var known *workflow.Error
	if !errors.As(err, &known) {
		return ""
	}
	return known.Reason
}

// link is a resume link as it was called.
type link struct {
	execution, signature, suffix, query string
}

// readLink takes the link apart. Those who hand it on put more behind it: a
// path ("?signature=…/step") or another query ("?signature=…?ok=1").
func readLink(c echo.Context) link {
	l := link{execution: c.Param("execution_id"), suffix: c.Param("*")}
	var rest []string
	for _, part := range strings.Split(c.Request().URL.RawQuery, "&") {
		value, ours := strings.CutPrefix(part, "signature=")
		if !ours || l.signature != "" {
			rest = append(rest, part)
			continue
		}
		end := strings.IndexFunc(value, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
		if end < 0 {
			end = len(value)
		}
		l.signature = value[:end]
		suffix, query, more := strings.Cut(value[end:], "?")
		if text, err := url.PathUnescape(strings.Trim(suffix, "/")); err == nil && text != "" {
			l.suffix = text
		}
		if more {
			rest = append(rest, query)
		}
	}
	l.query = strings.Trim(strings.Join(rest, "&"), "&")
	return l
}

// waitingCall ends a wait by a call, and answers it.
func (s *Server) waitingCall(c echo.Context, w *service.Waiting, l link) error {
	r := c.Request()
	body, err := readBody(r)
	if err != nil {
		return err
	}
	release, err := s.Service.HoldWebhook(r.Context(), waitingPrefix+w.ExecutionID)
	if err != nil {
		return s.waitingError(c, err)
	}
	defer release()
	answer, err := s.Service.AnswerCall(r.Context(), w, workflow.WebhookCall{Method: r.Method, Path: l.suffix,
		URL: s.PublicURL + waitingPrefix + w.ExecutionID, Query: l.query, Headers: headersOf(r), Body: body, IP: c.RealIP()})
	if err != nil {
		return s.waitingError(c, err)
	}
	return writeAnswer(c, answer)
}

// waitingAnswer gives a person's answer, sent by the page or as JSON.
func (s *Server) waitingAnswer(c echo.Context, w *service.Waiting) error {
	response, err := readAnswer(c, w)
	var step *service.FormStep
	if err == nil {
		release, held := s.Service.HoldWebhook(c.Request().Context(), waitingPrefix+w.ExecutionID)
		if held != nil {
			return s.waitingError(c, held)
		}
		defer release()
		step, err = s.Service.Answer(c.Request().Context(), w, response)
	}
	if workflow.CodeOf(err) == workflow.CodeInvalid && wantsPage(c) {
		return writePage(c, http.StatusBadRequest, page{Waiting: w, Fault: workflow.MessageOf(err), Given: c.Request().PostForm})
	}
	if err != nil {
		return s.waitingError(c, err)
	}
	if !wantsPage(c) && step.Ended && !step.Failed {
		return writeJSON(c, http.StatusOK, map[string]string{"message": "The answer was taken."})
	}
	return writeStep(c, step, "")
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil && workflow.CodeOf(err) != workflow.CodeTooLarge {
		err = workflow.Wrap(workflow.CodeInvalid, err, "the request body could not be read to its end")
	}
	return body, err
}

// readAnswer reads an answer as w's kind has it.
func readAnswer(c echo.Context, w *service.Waiting) (*workflow.Object, error) {
	r := c.Request()
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		body, err := readBody(r)
		if err != nil {
			return nil, err
		}
		o := &workflow.Object{}
		if err := json.Unmarshal(body, o); err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "the body is not a JSON object")
		}
		return o, nil
	}
	form, err := c.FormParams()
	if r.MultipartForm != nil { // this request is a copy of the one that the server tidies up after
		defer r.MultipartForm.RemoveAll() //nolint:errcheck // best effort
	}
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "the form could not be read")
	}
	out := &workflow.Object{}
	if w.Kind != "form" {
		for _, name := range []string{"decision", "choice", "comment"} {
			out.Set(name, form.Get(name))
		}
		return out, nil
	}
	for _, f := range w.Fields {
		if f.Type == "file" {
			files, err := sentFiles(r, f.Name)
			if err != nil {
				return nil, err
			}
			out.Set(f.Name, files)
			continue
		}
		if f.Multiple {
			list := []any{}
			for _, v := range form[f.Name] {
				list = append(list, v)
			}
			out.Set(f.Name, list)
			continue
		}
		out.Set(f.Name, form.Get(f.Name))
	}
	return out, nil
}

// sentFiles reads the files that a browser sent for a field. A field left
// empty is sent as a file without a name.
func sentFiles(r *http.Request, name string) ([]any, error) {
	list := []any{}
	if r.MultipartForm == nil {
		return list, nil
	}
	for _, h := range r.MultipartForm.File[name] {
		if h.Filename == "" && h.Size == 0 {
			continue
		}
		f, err := h.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		list = append(list, workflow.NewObject("fileName", h.Filename, "mimeType", h.Header.Get("Content-Type"), "data", base64.StdEncoding.EncodeToString(data)))
	}
	return list, nil
}

// wantsPage reports whether the caller is a browser rather than a program.
func wantsPage(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get("Accept"), "text/html")
}

// waitingError says on a page, to those who look at one, why a link does
// nothing.
func (s *Server) waitingError(c echo.Context, err error) error {
	var known *workflow.Error
	if !errors.As(err, &known) || !wantsPage(c) {
		return err
	}
	return writePage(c, statusOf(err), page{Note: workflow.MessageOf(err)})
}

// page is what waiting.html shows.
type page struct {
	*service.Waiting
	Fault   string     // what is wrong with the answer given
	Given   url.Values // the answer given, or what the address prefills
	Heading string     // above a note
	Note    string     // all there is to say
	IsNote  bool       // it is a note, even an empty one
	Link    string     // where to look again
	Style   string     // CSS of a note
}

// Say reports whether the page is a note.
func (p page) Say() bool { return p.Note != "" || p.IsNote }

// Look is the CSS that the workflow has for its page.
func (p page) Look() string {
	if p.Waiting != nil {
		return p.CSS
	}
	return p.Style
}

// Value is what a field holds. Passwords are not repeated.
func (p page) Value(f service.FormField) string {
	if v := p.Given[f.Name]; len(v) > 0 && f.Type != "password" {
		return v[0]
	}
	return f.Default
}

// Chosen reports whether a choice of a field is taken.
func (p page) Chosen(f service.FormField, option string) bool {
	if v, given := p.Given[f.Name]; given {
		return slices.Contains(v, option)
	}
	return option == f.Default || f.Multiple && slices.Contains(strings.Split(f.Default, ","), option)
}

// Files reports whether the form sends files.
func (p page) Files() bool {
	return p.Waiting != nil && slices.ContainsFunc(p.Fields, func(f service.FormField) bool { return f.Type == "file" })
}

// writePage writes a page that holds other people's words: it may send its
// form and nothing else.
func writePage(c echo.Context, status int, p page) error {
	var b bytes.Buffer
	if err := waitingPage.Execute(&b, p); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "sandbox allow-forms; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	return c.HTMLBlob(status, b.Bytes())
}
