package agent

import (
	"context"
	"strings"

	"flowgate/internal/workflow"

	"google.golang.org/grpc/metadata"
)

// authenticate returns the owner that the call's internal token names. A token
// without an owner is no token.
func (s *Server) authenticate(ctx context.Context) (owner string, err error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 {
		return "", workflow.Errorf(workflow.CodeUnauthorized, "The call carries no internal token.")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", workflow.Errorf(workflow.CodeUnauthorized, "The call's authorization is not a bearer token.")
	}
	owner, err = s.opts.Verify(ctx, token)
	if err != nil {
		if code := workflow.CodeOf(err); code == workflow.CodeUnavailable || ctx.Err() != nil {
			return "", err // not the token's fault
		}
		return "", workflow.Wrap(workflow.CodeUnauthorized, err, "The call's internal token is not valid.")
	}
	if owner == "" {
		return "", workflow.Errorf(workflow.CodeUnauthorized, "The call's internal token names no owner.")
	}
	return owner, nil
}

// checkOwner refuses a request for anyone but the token's owner. Requests
// without a user are the same for everyone.
func checkOwner(owner string, req any) error {
	r, ok := req.(interface{ GetUserId() string })
	if ok && r.GetUserId() != owner {
		return workflow.Errorf(workflow.CodeForbidden, "The call's internal token is not for the request's user.")
	}
	return nil
}
