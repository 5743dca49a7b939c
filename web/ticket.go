package web

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/seal"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// ticketLife is how long a ticket opens its stream, again and again; it ends
// with the token it was got with, and so do streams it opened.
const ticketLife = 10 * time.Minute

// ticket lets an EventSource client, which cannot send headers, open one
// stream for the user it was given to. It is sealed: who holds it can neither
// read nor change it.
type ticket struct {
	Identity auth.Identity `json:"identity"`
	Stream   string        `json:"stream"`
	Expires  time.Time     `json:"expires"`
}

// giveTicket answers with a ticket of the caller's for the stream of that
// name, which is at path.
func (s *Server) giveTicket(c echo.Context, stream, path string) error {
	id := auth.FromContext(c.Request().Context())
	if id == nil {
		return workflow.Errorf(workflow.CodeUnauthorized, "sign in first").WithReason("missing_token")
	}
	t := ticket{Identity: *id, Stream: stream, Expires: time.Now().Add(ticketLife).UTC()}
	if !id.Expires.IsZero() && id.Expires.Before(t.Expires) {
		t.Expires = id.Expires.UTC()
	}
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString(s.tickets.Seal(data, "stream ticket"))
	return writeJSON(c, http.StatusCreated, service.Ticket{Ticket: text, URL: s.PublicURL + path + "?ticket=" + url.QueryEscape(text), ExpiresAt: t.Expires})
}

// readTicket returns who a ticket for the stream was given to.
func (s *Server) readTicket(text, stream string) (*auth.Identity, error) {
	invalid := func() error {
		return workflow.Errorf(workflow.CodeUnauthorized, "the ticket is not one for this stream; get one with POST …/ticket").WithReason("invalid_ticket")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, invalid()
	}
	data, err := s.tickets.Open(sealed, "stream ticket")
	if err != nil {
		return nil, invalid()
	}
	var t ticket
	if err := json.Unmarshal(data, &t); err != nil || t.Stream != stream {
		return nil, invalid()
	}
	if time.Now().After(t.Expires) {
		return nil, workflow.Errorf(workflow.CodeUnauthorized, "the ticket has expired; get another with POST …/ticket").WithReason("ticket_expired")
	}
	return &t.Identity, nil
}

// listener authenticates who opens the stream that name tells from the
// request: by a ticket, or as everywhere in the App tier.
func (s *Server) listener(name func(echo.Context) string) echo.MiddlewareFunc {
	signedIn := s.authenticate(auth.TierApp)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		byHeader := signedIn(next)
		return func(c echo.Context) error {
			text := c.QueryParam("ticket")
			if text == "" || c.Request().Header.Get("Authorization") != "" {
				return byHeader(c)
			}
			id, err := s.readTicket(text, name(c))
			if err != nil {
				return err
			}
			ctx := c.Request().Context()
			if err := s.Authenticator.Recheck(ctx, id); err != nil {
				return err
			}
			c.Set(identityKey, id)
			c.SetRequest(c.Request().WithContext(auth.WithIdentity(ctx, id)))
			if err := s.limitCaller(c, auth.TierApp); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// newTickets returns what seals tickets: under the given key, so that all
// processes honour each other's, or one of this process's own.
func newTickets(key []byte) (*seal.Box, error) {
	if len(key) == 0 {
		key = make([]byte, seal.KeySize)
		rand.Read(key) // never fails
	}
	return seal.New(seal.Key{ID: "tickets", Secret: key})
}
