package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

const thanks = "Thank you. Your answer was taken; you can close this page."

type openForm func(context.Context, workflow.WebhookCall) (*service.OpenForm, *workflow.Response, error)

// formRoutes are the forms of active workflows, and of those that are being
// tried: GET shows, POST starts.
func (s *Server) formRoutes() {
	for prefix, open := range map[string]openForm{"/form/": s.Service.OpenForm, "/form-test/": s.Service.OpenTestForm} {
		handler := func(c echo.Context) error { return s.form(c, prefix, open) }
		s.echo.GET(prefix+"*", handler)
		s.echo.POST(prefix+"*", handler)
	}
}

func (s *Server) form(c echo.Context, prefix string, open openForm) error {
	r := c.Request()
	path, err := hookPath(r, prefix)
	if err != nil {
		return err
	}
	f, refusal, err := open(r.Context(), workflow.WebhookCall{Method: r.Method, Path: path, URL: s.PublicURL + prefix + path,
		Query: r.URL.RawQuery, Headers: headersOf(r), IP: c.RealIP()})
	if err != nil {
		return s.waitingError(c, err)
	}
	if refusal != nil {
		return writeAnswer(c, refusal)
	}
	if r.Method == http.MethodGet {
		return writePage(c, http.StatusOK, page{Waiting: &f.Waiting, Given: r.URL.Query()})
	}
	answer, err := readAnswer(c, &f.Waiting)
	var step *service.FormStep
	if err == nil {
		release, held := s.Service.HoldWebhook(r.Context(), prefix+path)
		if held != nil {
			return s.waitingError(c, held)
		}
		defer release()
		step, err = s.Service.SubmitForm(r.Context(), f, answer)
	}
	if workflow.CodeOf(err) == workflow.CodeInvalid && wantsPage(c) {
		return writePage(c, http.StatusBadRequest, page{Waiting: &f.Waiting, Fault: workflow.MessageOf(err), Given: r.PostForm})
	}
	if err != nil {
		return s.waitingError(c, err)
	}
	if step.Ended && !step.Failed && f.Redirect != "" && wantsPage(c) {
		return c.Redirect(http.StatusSeeOther, f.Redirect)
	}
	return writeStep(c, step, f.Thanks)
}

// writeStep shows what comes after a form; thanked is said at the end, a
// sentence of ours where it is empty.
func writeStep(c echo.Context, step *service.FormStep, thanked string) error {
	if thanked == "" {
		thanked = thanks
	}
	switch {
	case step.Response != nil:
		return writeEnd(c, step.Response)
	case step.Next != "" && wantsPage(c):
		return c.Redirect(http.StatusSeeOther, step.Next)
	case step.Next != "":
		return writeJSON(c, http.StatusOK, map[string]string{"message": "The answer was taken. Another form follows.", "next": step.Next})
	case step.Later != "" && wantsPage(c):
		return writePage(c, http.StatusOK, page{Note: "Your answer was taken, and the workflow is still at work.", Link: step.Later})
	case step.Later != "":
		return writeJSON(c, http.StatusAccepted, map[string]string{"message": "The answer was taken. The workflow is still at work.", "next": step.Later})
	case step.Failed:
		return sayEnd(c, http.StatusInternalServerError, "Your answer was taken, but the workflow has failed.")
	}
	return sayEnd(c, http.StatusOK, thanked)
}

func sayEnd(c echo.Context, status int, text string) error {
	if !wantsPage(c) {
		return writeJSON(c, status, map[string]string{"message": text})
	}
	return writePage(c, status, page{Note: text})
}

// writeEnd writes what the workflow answered: the last page of its form, or
// anything else that a node answers with.
func writeEnd(c echo.Context, r *workflow.Response) error {
	if r.Header("Content-Type") != workflow.FormEndType || !wantsPage(c) {
		return writeAnswer(c, r)
	}
	var end struct{ Title, Message, CSS string }
	if err := json.Unmarshal(r.Body, &end); err != nil {
		return err
	}
	return writePage(c, http.StatusOK, page{Heading: end.Title, Note: end.Message, Style: end.CSS, IsNote: true})
}
