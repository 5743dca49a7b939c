package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"flowgate/internal/workflow"
)

// formRoutes are the forms of active workflows: GET shows, POST starts.
func (s *Server) formRoutes() {
	s.echo.GET("/form/*", s.form)
	s.echo.POST("/form/*", s.form)
}

func (s *Server) form(c echo.Context) error {
	f, err := s.Service.OpenForm(c.Request().Context(), c.Param("*"))
	if err != nil {
		return s.waitingError(c, err)
	}
	if c.Request().Method == http.MethodGet {
		return writePage(c, http.StatusOK, page{Waiting: &f.Waiting})
	}
	answer, err := readAnswer(c, &f.Waiting)
	if err == nil {
		err = s.Service.SubmitForm(c.Request().Context(), f, answer)
	}
	if workflow.CodeOf(err) == workflow.CodeInvalid && wantsPage(c) {
		return writePage(c, http.StatusBadRequest, page{Waiting: &f.Waiting, Fault: workflow.MessageOf(err)})
	}
	if err != nil {
		return s.waitingError(c, err)
	}
	thanks := f.Thanks
	if thanks == "" {
		thanks = "Thank you. Your answer was taken; you can close this page."
	}
	if !wantsPage(c) {
		return writeJSON(c, http.StatusOK, map[string]string{"message": thanks})
	}
	return writePage(c, http.StatusOK, page{Note: thanks})
}
