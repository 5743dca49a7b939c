package telemetry

import "context"

const requestIDKey = "request_id"

type requestKey struct{}

// WithRequestID returns ctx naming the request it belongs to, for the log and
// for calls that go on from here.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID is the name of the request that ctx belongs to, "" when none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// WellFormedRequestID reports whether a name that came from outside may be
// taken over: short, and nothing that could be mistaken in a log.
func WellFormedRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			return false
		}
	}
	return true
}
