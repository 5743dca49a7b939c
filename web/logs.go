package web

import (
	"context"
	"net/url"

	"github.com/labstack/echo/v4"

	"flowgate/internal/workflow"
)

// executionStream names the stream of the execution in the path, for tickets.
func executionStream(c echo.Context) string { return "execution:" + pathParam(c, "execution_id") }

// streamLogs sends an execution's events: those stored, those to come, and
// ends with the execution.
func (s *Server) streamLogs(c echo.Context) error {
	after, err := resumeAfter(c)
	if err != nil {
		return err
	}
	id := pathParam(c, "execution_id")
	return s.serveStream(c, stream{kind: "execution", follow: func(ctx context.Context, out *eventSink) error {
		return s.Service.FollowExecution(ctx, id, after, out.Open, func(e workflow.Event) error {
			return out.Send(streamEvent{ID: e.Seq, Data: e})
		})
	}})
}

// pathParam is a part of the path as it was meant; the router may have
// matched the escaped path.
func pathParam(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath != "" {
		if plain, err := url.PathUnescape(value); err == nil {
			return plain
		}
	}
	return value
}
