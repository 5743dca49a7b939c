package supabase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var (
	errClosed   = errors.New("supabase: store is closed")
	errSilent   = errors.New("supabase: no answer in time")
	errTooLarge = errors.New("supabase: larger than this program carries")
)

// answer is a refusal of the server's: its status, and what PostgREST says
// where it was that which refused.
type answer struct {
	status  int
	Code    string `json:"code"` // of PostgREST, or a SQLSTATE
	Message string `json:"message"`
	Details string `json:"details"`
	Hint    string `json:"hint"`
}

// Error returns the server's words; they are for the log.
func (a *answer) Error() string {
	return strings.TrimSpace(fmt.Sprintf("status %d %s %s %s", a.status, a.Code, a.Message, a.Hint))
}

const shownOfAnswer = 200

// answerOf reads a refusal. Whatever a server or a proxy before it says, an
// answer comes of it.
func answerOf(resp *http.Response, body []byte) *answer {
	var a *answer
	if !isJSON(resp.Header) || json.Unmarshal(body, &a) != nil || a == nil {
		a = &answer{Message: fmt.Sprintf("%.*q", shownOfAnswer, body)}
	}
	a.status = resp.StatusCode
	return a
}

// fail translates an error at the package's edge. doing completes "could not".
func fail(doing string, err error) error {
	var known *workflow.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return workflow.Wrap(workflow.CodeCancelled, err, "The request was cancelled before it could "+doing+".")
	case errors.Is(err, errSilent):
		return workflow.Wrap(workflow.CodeUnavailable, failure(err), "Supabase does not answer; try again.")
	case errors.Is(err, context.DeadlineExceeded):
		return workflow.Wrap(workflow.CodeTimeout, err, "Time ran out before it could "+doing+".")
	case errors.Is(err, errClosed):
		return workflow.Wrap(workflow.CodeUnavailable, failure(err), "The database is closed.")
	case errors.Is(err, errTooLarge):
		return workflow.Wrap(workflow.CodeTooLarge, failure(err), "Could not "+doing+": there is more of it than Supabase can carry at once.")
	}
	if a := (*answer)(nil); errors.As(err, &a) {
		return failAnswer(doing, a)
	}
	return workflow.Wrap(workflow.CodeUnavailable, failure(err), "Supabase cannot be reached now; try again.")
}

func failure(err error) error { return &store.Failure{Backend: "supabase", Err: err} }

// failAnswer goes by PostgREST's code or the SQLSTATE, and by the status where
// there is none.
func failAnswer(doing string, a *answer) error {
	wrap := func(code workflow.Code, message string) *workflow.Error {
		return workflow.Wrap(code, failure(a), message)
	}
	class := a.Code[:min(2, len(a.Code))]
	switch {
	case a.Code == "PGRST106", a.Code == "PGRST202", a.Code == "42883", a.Code == "3F000":
		return wrap(workflow.CodeUnavailable, "The Supabase project does not offer what this program needs; the operator finds out with: flowgate doctor")
	case a.Code == "PGRST303" || strings.HasPrefix(a.Code, "PGRST3") && strings.Contains(a.Message, "expired"):
		return wrap(workflow.CodeUnauthorized, "The access token has expired; get a new one.").WithReason("token_expired")
	case strings.HasPrefix(a.Code, "PGRST3"):
		return wrap(workflow.CodeUnauthorized, "Supabase does not accept the access token.").WithReason("invalid_token")
	case strings.HasPrefix(a.Code, "PGRST0"):
		return wrap(workflow.CodeUnavailable, "The database behind Supabase cannot be used now; try again.")
	case a.Code == "42501" && a.status != http.StatusUnauthorized:
		return wrap(workflow.CodeForbidden, "Could not "+doing+": Supabase does not let this user.")
	case a.Code == "22021", a.Code == "22P05":
		return wrap(workflow.CodeInvalid, "Could not "+doing+": a name or id holds a character that cannot be stored, such as NUL.")
	case len(a.Code) == 5 && class == "23":
		return wrap(workflow.CodeConflict, "Could not "+doing+": it clashes with what is stored.")
	case len(a.Code) == 5 && class == "54":
		return wrap(workflow.CodeTooLarge, "Could not "+doing+": the data is too large for the database.")
	case len(a.Code) == 5 && (class == "08" || class == "40" || class == "53" || class == "57" || class == "58"):
		return wrap(workflow.CodeUnavailable, "The database behind Supabase is busy; try again.")
	}
	return failStatus(doing, a)
}

func failStatus(doing string, a *answer) error {
	code, message := workflow.CodeInternal, "Could not "+doing+"."
	switch {
	case a.status == http.StatusUnauthorized:
		return workflow.Wrap(workflow.CodeUnauthorized, failure(a), "Supabase does not accept the access token.").WithReason("invalid_token")
	case a.status == http.StatusForbidden:
		code, message = workflow.CodeForbidden, "Could not "+doing+": Supabase does not let this user."
	case a.status == http.StatusConflict:
		code, message = workflow.CodeConflict, "Could not "+doing+": it clashes with what is stored."
	case a.status == http.StatusRequestEntityTooLarge:
		code, message = workflow.CodeTooLarge, "Could not "+doing+": the data is too large for Supabase."
	case a.status == http.StatusTooManyRequests, a.status >= http.StatusInternalServerError && a.Code == "", a.status == http.StatusRequestTimeout,
		a.status < http.StatusBadRequest, a.status == http.StatusNotFound:
		code, message = workflow.CodeUnavailable, "Supabase cannot be used now; try again."
	}
	return workflow.Wrap(code, failure(a), message)
}

// unreachable is true when no answer came, and not because the caller left.
func unreachable(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (errors.Is(err, errSilent) || errors.As(err, new(*net.OpError)) || errors.As(err, new(*net.DNSError)))
}

// conflicts is true for a broken uniqueness.
func conflicts(err error) bool {
	var a *answer
	return errors.As(err, &a) && a.Code == "23505"
}

// notFound is the answer for a row that is not there or is another owner's.
func notFound(kind, id string) error {
	return workflow.Errorf(workflow.CodeNotFound, "There is no %s %q.", kind, id)
}
