package web

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

const authPrefix = "/auth/v1/"

// authRoutes are the part of Supabase Auth that its JavaScript client uses,
// over the embedded accounts, so that the same web app works with both.
func (s *Server) authRoutes() {
	if s.Accounts == nil {
		return
	}
	g := s.echo.Group("/auth/v1", s.sameSite)
	g.GET("/health", s.authHealth)
	g.GET("/settings", s.authSettings)
	g.GET("/.well-known/jwks.json", s.jwks)
	g.POST("/signup", s.signUp)
	g.POST("/token", s.authToken)
	signedIn := s.authenticate(auth.TierApp)
	g.GET("/user", s.authUser, signedIn)
	g.PUT("/user", s.changeUser, signedIn)
	g.POST("/logout", s.signOut, signedIn)
}

// sameSite keeps strangers' pages off, as on the MCP tier: on a developer's
// machine signing up may be open.
func (s *Server) sameSite(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.Guard.Check(c.Request()); err != nil {
			return err
		}
		return next(c)
	}
}

func (s *Server) authHealth(c echo.Context) error {
	return writeJSON(c, http.StatusOK, map[string]string{"version": s.Version, "name": s.Name, "description": "the embedded sign-in"})
}

// authSettings says which ways to sign in there are.
func (s *Server) authSettings(c echo.Context) error {
	return writeJSON(c, http.StatusOK, map[string]any{
		"external":       map[string]bool{"email": true, "phone": false, "anonymous_users": s.Accounts.Guests && s.Accounts.SignUp},
		"disable_signup": !s.Accounts.SignUp, "mailer_autoconfirm": true, "phone_autoconfirm": false, "sms_provider": "", "saml_enabled": false,
	})
}

func (s *Server) jwks(c echo.Context) error {
	keys, err := s.Accounts.Issuer.JWKS()
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=600")
	return c.Blob(http.StatusOK, contentJSON, keys)
}

// authFields are what a body of the sign-in routes may hold; clients send
// more, which is for other ways to sign in.
type authFields struct {
	Email        string          `json:"email"`
	Password     string          `json:"password"`
	Data         json.RawMessage `json:"data"`
	RefreshToken string          `json:"refresh_token"`
}

func readAuth(c echo.Context) (*authFields, error) {
	var f authFields
	if err := json.NewDecoder(c.Request().Body).Decode(&f); err != nil {
		if workflow.CodeOf(err) == workflow.CodeTooLarge {
			return nil, err
		}
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "the body must be a JSON object with fields of the right types").WithReason("bad_json")
	}
	return &f, nil
}

func (s *Server) signUp(c echo.Context) error {
	f, err := readAuth(c)
	if err != nil {
		return err
	}
	session, err := s.Accounts.Register(c.Request().Context(), auth.NewAccount{Email: f.Email, Password: f.Password, Metadata: f.Data}, c.RealIP())
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, session)
}

func (s *Server) authToken(c echo.Context) error {
	f, err := readAuth(c)
	if err != nil {
		return err
	}
	var session *auth.Session
	switch c.QueryParam("grant_type") {
	case "password":
		session, err = s.Accounts.SignIn(c.Request().Context(), f.Email, f.Password, c.RealIP())
	case "refresh_token":
		session, err = s.Accounts.Refresh(c.Request().Context(), f.RefreshToken, c.RealIP())
	default:
		err = workflow.Errorf(workflow.CodeInvalid, "grant_type: must be password or refresh_token").WithReason("validation_failed")
	}
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, session)
}

func (s *Server) authUser(c echo.Context) error {
	ctx := c.Request().Context()
	account, err := s.Accounts.Account(ctx, auth.FromContext(ctx))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, account)
}

func (s *Server) changeUser(c echo.Context) error {
	f, err := readAuth(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	account, err := s.Accounts.Update(ctx, auth.FromContext(ctx), auth.Change{Email: f.Email, Password: f.Password, Metadata: f.Data})
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, account)
}

func (s *Server) signOut(c echo.Context) error {
	ctx := c.Request().Context()
	if err := s.Accounts.SignOut(ctx, auth.FromContext(ctx), c.QueryParam("scope")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// authError is how Supabase Auth tells of a failure; its client reads
// error_code and msg.
type authError struct {
	Code      int    `json:"code"`
	ErrorCode string `json:"error_code"`
	Message   string `json:"msg"`
}

// authErrorOf maps an error to the status and code that Supabase Auth has for it.
func authErrorOf(status int, err error) authError {
	e := authError{Code: status, ErrorCode: workflow.ReasonOf(err), Message: workflow.MessageOf(err)}
	switch e.ErrorCode {
	case "weak_password", "user_already_exists", "email_exists", "signup_disabled", "anonymous_provider_disabled":
		e.Code = http.StatusUnprocessableEntity
	case "missing_token":
		e.ErrorCode = "no_authorization"
	case "malformed_token", "invalid_token", "token_expired":
		e.Code, e.ErrorCode = http.StatusForbidden, "bad_jwt"
	case string(workflow.CodeRateLimited):
		e.ErrorCode = "over_request_rate_limit"
	case string(workflow.CodeInternal):
		e.ErrorCode = "unexpected_failure"
	}
	return e
}
