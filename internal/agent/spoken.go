package agent

import (
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// Pieces of text are sent on when they have this many bytes or are this old:
// each is an event that is stored.
const (
	pieceBytes = 160
	pieceAge   = 300 * time.Millisecond
)

// spoken sends a planner's words while they come.
type spoken struct {
	turn   *turn
	id     string
	piece  strings.Builder
	sent   time.Time
	failed error // to send
	gone   func(cause error)
}

// hear takes a piece. When it cannot be sent the planning ends.
func (s *spoken) hear(piece string) {
	if s.failed != nil {
		return
	}
	s.piece.WriteString(piece)
	if s.piece.Len() < pieceBytes && time.Since(s.sent) < pieceAge {
		return
	}
	m := &workflow.TurnMessage{ID: s.id, Role: "assistant", Kind: "text", Text: s.piece.String(), Partial: true}
	s.piece.Reset()
	s.sent = time.Now()
	if s.failed = s.turn.send(workflow.TurnEvent{Message: m, At: s.sent.UTC()}); s.failed != nil {
		s.gone(s.failed)
	}
}

// end sends the whole of it, under the same id.
func (s *spoken) end(whole string) error {
	if whole == "" {
		return nil
	}
	return s.turn.say(workflow.TurnMessage{ID: s.id, Kind: "text", Text: whole}, nil, false)
}
