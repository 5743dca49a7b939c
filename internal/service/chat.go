package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Times of a turn: how long the right to answer lasts without a sign of life,
// and how often there is one; how often other processes' events are looked for.
const (
	turnTTL   = 60 * time.Second
	turnRenew = 20 * time.Second
	chatPoll  = time.Second
	chatPage  = 100

	chatPollRelaxed = 3 * time.Second // while other processes' events are announced

	turnCloses = 5 * time.Second // for one attempt to record a turn's end
)

// ChatItem is one event of a session's stream.
type ChatItem struct {
	ID    int64
	Data  json.RawMessage // the envelope, see ChatEvent
	Final bool            // the turn's last
}

// ChatEvent is the envelope of what goes to clients.
type ChatEvent struct {
	Type      string `json:"type"` // "message", "status", "workflow" or "error"
	SessionID string `json:"session_id"`
	Content   any    `json:"content"`
	Error     any    `json:"error,omitempty" jsonschema:"the content of an error"`
	Timestamp int64  `json:"timestamp" jsonschema:"milliseconds since 1970"`
	Final     bool   `json:"is_final"`
}

type statusContent struct {
	Event       string   `json:"event"`
	Stage       string   `json:"new_stage"`
	Previous    string   `json:"previous_stage"`
	Description string   `json:"stage_description"`
	Pending     []string `json:"pending_actions"`
}

type workflowContent struct {
	WorkflowID string              `json:"workflow_id,omitempty"`
	Version    int                 `json:"version,omitempty"`
	Workflow   *workflow.Document  `json:"workflow"`
	Validation workflow.Validation `json:"validation"`
	NotSaved   string              `json:"not_saved,omitempty"`
}

var statusEvents = map[workflow.Stage]string{workflow.StageClarification: "start", workflow.StageGapAnalysis: "start", workflow.StageAlternatives: "start",
	workflow.StageNegotiation: "waiting", workflow.StageGeneration: "draft", workflow.StageDebug: "debugging", workflow.StageCompleted: "complete", workflow.StageError: "error"}

// chats tells followers in this process of new events.
type chats struct {
	mu      sync.Mutex
	changed map[string]*chatWatch // by session
	turns   sync.WaitGroup
}

// chatWatch is what the followers of a session share.
type chatWatch struct {
	changed   chan struct{} // closed at the next event
	elsewhere bool          // once changed is closed: the event is another process's
	followers int
}

// watch returns what tells of the session's next event. The caller calls leave
// when it does not look any more.
func (c *chats) watch(session string) (w *chatWatch, leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = map[string]*chatWatch{}
	}
	w = c.changed[session]
	if w == nil {
		w = &chatWatch{changed: make(chan struct{})}
		c.changed[session] = w
	}
	w.followers++
	return w, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if w.followers--; w.followers == 0 && c.changed[session] == w {
			delete(c.changed, session)
		}
	}
}

func (c *chats) tell(session string, elsewhere bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.changed[session]; w != nil {
		w.elsewhere = elsewhere
		close(w.changed)
		delete(c.changed, session)
	}
}

// WaitTurns returns when no turn is under way in this process, or ctx ends.
func (s *Service) WaitTurns(ctx context.Context) {
	done := make(chan struct{})
	go func() { s.chats.turns.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Chat takes a user's message and begins the turn that answers it. It returns
// the id of the session's last event before the turn, behind which FollowChat
// finds the answer. The turn goes on without the caller. Until the first piece
// of the answer is there a failure is an error here, afterwards an event.
func (s *Service) Chat(ctx context.Context, sessionID, message string) (after int64, err error) {
	st, err := s.conversations()
	if err != nil {
		return 0, err
	}
	session, err := st.Session(ctx, owner(ctx), sessionID)
	if err != nil {
		return 0, err
	}
	if clipTo(message, 1) == "" {
		e := workflow.Errorf(workflow.CodeInvalid, "message: say something")
		e.Fields = []workflow.FieldError{{Field: "message", Message: "say something"}}
		return 0, e
	}
	number, err := st.BeginTurn(ctx, session.OwnerID, session.ID, turnTTL)
	if err != nil {
		return 0, err
	}
	t := &turn{s: s, st: st, session: session, number: number, begun: make(chan error, 1)}
	if _, after, err = st.ChatEvents(ctx, session.OwnerID, session.ID, 0, 1); err == nil {
		err = t.store(ctx, "user", message, nil)
	}
	if err != nil {
		if t.end(ctx) != nil {
			s.chats.turns.Go(func() { t.free(ctx) })
		}
		return 0, err
	}
	s.chats.turns.Add(1)
	background := auth.WithIdentity(context.WithoutCancel(ctx), auth.FromContext(ctx))
	go func() {
		defer s.chats.turns.Done()
		t.run(background, message)
	}()
	select {
	case err = <-t.begun:
		return after, err
	case <-ctx.Done():
		return after, ctx.Err()
	}
}

// turn is one turn on its way.
type turn struct {
	s       *Service
	st      store.Conversations
	session *store.Session
	number  int64
	begun   chan error // what came first: nil for an event
	told    bool
	state   *workflow.AgentState // the newest that the agent sent
}

// safely does what goes on beside requests: a panic in it is its error, and
// ends nothing else.
func safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do()
}

// end gives the right to answer back.
func (t *turn) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnCloses)
	defer cancel()
	return t.st.EndTurn(ctx, t.session.OwnerID, t.session.ID, t.number)
}

// free is end for a store that is away now, or may be.
func (t *turn) free(ctx context.Context) {
	if err := t.insist(ctx, t.end); err != nil {
		t.s.Logger.WarnContext(ctx, "a turn was not ended; the session is free again in a minute", "session_id", t.session.ID, "error", err)
	}
}

// insist does what must be recorded of a turn's end again and again while that
// cannot be done, for as long as the right to answer lasts without a sign of
// life. A server that stops tries once.
func (t *turn) insist(ctx context.Context, do func(context.Context) error) error {
	over := time.NewTimer(turnTTL)
	defer over.Stop()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := do(ctx)
		if code := workflow.CodeOf(err); err == nil || code == workflow.CodeConflict || code == workflow.CodeNotFound {
			return err
		}
		select {
		case <-time.After(pause):
		case <-over.C:
			return err
		case <-t.s.stopping:
			return err
		}
	}
}

// run has the agent answer and keeps what it says.
func (t *turn) run(ctx context.Context, message string) {
	ctx, cancel := t.s.waiting(ctx, 0)
	defer cancel()
	defer t.free(ctx)
	kept := make(chan struct{})
	go func() { defer close(kept); t.keep(ctx, cancel) }()
	defer func() { cancel(); <-kept }()
	final := false
	request, err := t.request(ctx, message)
	if err == nil {
		err = safely(func() error {
			return t.s.Talk(ctx, request, func(e workflow.TurnEvent) error {
				err := t.take(ctx, e)
				final = final || e.Final && err == nil
				return err
			})
		})
	}
	if final {
		return
	}
	if err == nil {
		err = workflow.Errorf(workflow.CodeDownstream, "the workflow agent ended its answer early; send the message again").WithReason("STREAM_ERROR")
	}
	t.s.Logger.WarnContext(ctx, "a turn failed", "session_id", t.session.ID, "error", err)
	if !t.told {
		_ = t.end(ctx) // the caller may send the message again at once; a failure is made up for
		t.begun <- err
		return
	}
	code := strings.ToUpper(workflow.ReasonOf(err))
	if c := workflow.CodeOf(err); c == workflow.CodeInternal || code == strings.ToUpper(string(c)) {
		code = "STREAM_ERROR"
	}
	text := workflow.MessageOf(err)
	select {
	case <-t.s.stopping:
		text = "The server is stopping. Send the message again in a moment."
	default:
	}
	t.fail(context.WithoutCancel(ctx), &workflow.TurnFailure{Code: code, Message: text, Recoverable: true})
}

// fail tells those who listen, now or later, why there is no answer. While the
// store is away nobody can be told, and the turn goes on until they are.
func (t *turn) fail(ctx context.Context, f *workflow.TurnFailure) {
	err := t.insist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, turnCloses)
		defer cancel()
		return t.publish(ctx, ChatEvent{SessionID: t.session.ID, Type: "error", Content: f, Error: f, Timestamp: t.s.Now().UnixMilli(), Final: true})
	})
	if err != nil {
		t.s.Logger.WarnContext(ctx, "the end of a turn that failed was not recorded", "session_id", t.session.ID, "error", err)
	}
}

// keep renews the right to answer; a lost one ends the turn.
func (t *turn) keep(ctx context.Context, cancel context.CancelFunc) {
	tick := time.NewTicker(turnRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := t.st.RenewTurn(ctx, t.session.OwnerID, t.session.ID, t.number, turnTTL); workflow.CodeOf(err) == workflow.CodeConflict {
				cancel()
				return
			}
		}
	}
}

// request is what the agent gets: the state as it was saved, and for an edit
// or a copy the document as it is stored now.
func (t *turn) request(ctx context.Context, message string) (workflow.Turn, error) {
	v := t.session
	r := workflow.Turn{SessionID: v.ID, OwnerID: v.OwnerID, Message: message, Streaming: true, Context: &workflow.ConversationContext{Origin: v.Action, SourceWorkflowID: v.SourceID}}
	r.Model, r.CredentialID, r.Scopes = v.Model, v.ModelCredential, t.s.readable(ctx)
	if v.Action != workflow.OriginCreate {
		r.Context.Modification = "User requested " + v.Action + " workflow"
	}
	var err error
	if r.State, err = t.st.State(ctx, v.OwnerID, v.ID); err != nil {
		return r, err
	}
	fresh := r.State == nil || r.State.Stage == workflow.StageCompleted || r.State.Stage == workflow.StageError
	if v.WorkflowID == "" || !fresh {
		return r, nil
	}
	w, err := t.s.Store.Workflow(ctx, v.OwnerID, v.WorkflowID)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return r, nil // it was deleted meanwhile: the state's document is as good
	}
	if err != nil {
		return r, err
	}
	data, err := json.Marshal(w.Document)
	if err != nil {
		return r, err
	}
	if r.State == nil {
		r.State = &workflow.AgentState{SessionID: v.ID, UserID: v.OwnerID, Context: r.Context}
	}
	r.State.Document = string(data)
	return r, nil
}

// keepState saves the newest state when the turn comes to its end: one that
// breaks off, wherever, leaves the state that it began with, so that the
// message may be sent again.
func (t *turn) keepState(ctx context.Context, e workflow.TurnEvent) error {
	if e.State != nil {
		t.state = e.State
	}
	if !e.Final || e.Failure != nil || t.state == nil {
		return nil
	}
	return t.st.SaveState(ctx, t.session.OwnerID, t.session.ID, t.number, t.state)
}

// readable are the scopes under which the agent may look at what the caller
// has: those that the caller may use, by the one rule.
func (s *Service) readable(ctx context.Context) []string {
	var out []string
	for _, name := range []string{"search_workflows", "list_credentials"} {
		if c := s.index[name]; c != nil && Authorize(auth.FromContext(ctx), c) == nil {
			out = append(out, c.Scope)
		}
	}
	return out
}

// take keeps one piece of the answer: the state, the words, the workflow, and
// the event for those who listen.
func (t *turn) take(ctx context.Context, e workflow.TurnEvent) error {
	v := t.session
	if err := t.keepState(ctx, e); err != nil {
		return err
	}
	out := ChatEvent{SessionID: v.ID, Timestamp: e.At.UnixMilli(), Final: e.Final}
	switch {
	case e.Message != nil:
		out.Type, out.Content = "message", e.Message
		if !e.Message.Partial {
			if err := t.store(ctx, "assistant", e.Message.Text, e.Message); err != nil {
				return err
			}
		}
	case e.Status != nil:
		pending := e.Status.Pending
		if pending == nil {
			pending = []string{}
		}
		out.Type, out.Content = "status", statusContent{Event: statusEvents[e.Status.Stage], Stage: string(e.Status.Stage), Previous: string(e.Status.Previous),
			Description: e.Status.Description, Pending: pending}
	case e.Workflow != nil:
		out.Type, out.Content = "workflow", t.deliver(ctx, e.Workflow)
	case e.Failure != nil:
		out.Type, out.Content, out.Error = "error", e.Failure, e.Failure
	default:
		if !e.Final {
			return nil
		}
		out.Type, out.Content = "status", statusContent{Event: "complete", Pending: []string{}}
	}
	if err := t.publish(ctx, out); err != nil {
		return err
	}
	if !t.told {
		t.told = true
		t.begun <- nil
	}
	return nil
}

// publish adds an event to the session's stream; with the turn's last, the turn
// is over, so that whoever hears of it finds the way free for the next message.
func (t *turn) publish(ctx context.Context, e ChatEvent) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ends := int64(0)
	if e.Final {
		ends = t.number
	}
	id, err := t.st.AddChatEvent(ctx, t.session.OwnerID, t.session.ID, data, ends)
	if err != nil {
		return err
	}
	t.s.chats.tell(t.session.ID, false)
	t.s.announceChat(ctx, t.session, store.ChatEvent{ID: id, Data: data})
	return nil
}

// deliver saves the workflow: a draft the first time, a new version later.
func (t *turn) deliver(ctx context.Context, w *workflow.TurnWorkflow) workflowContent {
	v := t.session
	out := workflowContent{WorkflowID: v.WorkflowID, Workflow: w.Document, Validation: w.Validation}
	var saved *Saved
	var err error
	d := *w.Document
	if v.WorkflowID != "" {
		saved, err = t.s.UpdateWorkflow(ctx, UpdateWorkflowInput{WorkflowID: v.WorkflowID, Name: &d.Name, Nodes: d.Nodes, Connections: d.Connections, Settings: &d.Settings})
	}
	if v.WorkflowID == "" || workflow.CodeOf(err) == workflow.CodeNotFound {
		saved, err = t.s.ImportWorkflow(ctx, d)
	}
	if err != nil {
		t.s.Logger.WarnContext(ctx, "a conversation's workflow was not saved", "session_id", v.ID, "error", err)
		out.NotSaved = workflow.MessageOf(err)
		return out
	}
	out.WorkflowID, out.Version = saved.WorkflowID, saved.Version
	if now, err := t.st.Session(ctx, v.OwnerID, v.ID); err == nil { // what was changed meanwhile stays
		v, t.session = now, now
	}
	v.WorkflowID, v.UpdatedAt = saved.WorkflowID, t.s.Now().UTC()
	if v.Title == "" {
		v.Title = d.Name
	}
	if err := t.st.UpdateSession(ctx, v); err != nil {
		out.NotSaved = workflow.MessageOf(err)
	}
	return out
}

// store keeps words as a message of their own.
func (t *turn) store(ctx context.Context, kind, text string, m *workflow.TurnMessage) error {
	row := &store.Message{ID: newID(), SessionID: t.session.ID, OwnerID: t.session.OwnerID, Type: kind, Content: text, CreatedAt: t.s.Now().UTC()}
	if m != nil {
		if m.ID == "" {
			m.ID = row.ID
		}
		row.ID = m.ID
		if m.Role == "system" {
			row.Type = m.Role
		}
		var err error
		if row.Metadata, err = json.Marshal(map[string]any{"message_type": m.Kind, "questions": m.Questions, "alternatives": m.Alternatives, "metadata": m.Metadata}); err != nil {
			return err
		}
	}
	return t.st.AddMessage(ctx, row)
}

// FollowChat calls fn with the session's events behind an id, in order: those
// kept, then those to come, of whichever process, until fn fails or ctx ends.
func (s *Service) FollowChat(ctx context.Context, sessionID string, after int64, fn func(ChatItem) error) error {
	st, err := s.conversations()
	if err != nil {
		return err
	}
	f := chatFollower{s: s, st: st, session: sessionID, after: after, fn: fn}
	defer s.hearChat(sessionID)()
	held := s.ChatLog != nil // whether the log may do in place of the store
	for {
		next, leave := s.chats.watch(sessionID)
		more, err := f.tell(ctx, held)
		if err == nil && !more {
			held, err = s.chatNews(ctx, next)
		}
		leave()
		if err != nil {
			return err
		}
	}
}

// errTurnOver ends following at a turn's last event.
var errTurnOver = errors.New("the turn is over")

// FollowTurn is FollowChat up to a turn's last event.
func (s *Service) FollowTurn(ctx context.Context, sessionID string, after int64, fn func(ChatItem) error) error {
	err := s.FollowChat(ctx, sessionID, after, func(item ChatItem) error {
		if err := fn(item); err != nil || !item.Final {
			return err
		}
		return errTurnOver
	})
	if errors.Is(err, errTurnOver) {
		return nil
	}
	return err
}

// chatNews waits until there may be news, and reports whether the log of events
// holds them: what another process announced.
func (s *Service) chatNews(ctx context.Context, next *chatWatch) (held bool, err error) {
	poll := chatPoll
	if s.Fanout != nil && s.Fanout.Connected() {
		poll = chatPollRelaxed
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-next.changed:
		return next.elsewhere, nil
	case <-timer.C:
		return false, nil
	}
}

// chatFollower is how far one listener of a session has been told.
type chatFollower struct {
	s       *Service
	st      store.Conversations
	session string
	after   int64
	fn      func(ChatItem) error
}

// tell tells a page of events behind those told, and reports whether there are
// more.
func (f *chatFollower) tell(ctx context.Context, held bool) (more bool, err error) {
	list, newest, err := f.read(ctx, held)
	if err != nil {
		return false, err
	}
	for _, e := range list {
		var head struct {
			Final bool `json:"is_final"`
		}
		if err := json.Unmarshal(e.Data, &head); err != nil {
			return false, err
		}
		if err := f.fn(ChatItem{ID: e.ID, Data: e.Data, Final: head.Final}); err != nil {
			return false, err
		}
		f.after = e.ID
	}
	return f.after < newest && len(list) > 0, nil
}

// read returns a page of events and the newest id known: of the log, if that
// may do and knows what follows, else of the store.
func (f *chatFollower) read(ctx context.Context, held bool) ([]store.ChatEvent, int64, error) {
	if held && f.s.held() {
		list, whole, err := f.s.ChatLog.KeptChatEvents(ctx, owner(ctx), f.session, f.after, chatPage)
		switch {
		case err != nil: // the store has them
		case whole && len(list) == chatPage:
			return list, list[chatPage-1].ID + 1, nil
		case whole && len(list) > 0:
			return list, list[len(list)-1].ID, nil
		}
	}
	return f.st.ChatEvents(ctx, owner(ctx), f.session, f.after, chatPage)
}

// FollowChatInput names a session and where to begin.
type FollowChatInput struct {
	SessionID string `json:"session_id"`
	After     int64  `json:"after,omitempty" min:"0" jsonschema:"only events behind this id; Last-Event-ID goes before it"`
	Ticket    string `json:"ticket,omitempty" jsonschema:"in place of signing in, from POST …/ticket"`
}

// SendMessageInput is a message to the workflow agent.
type SendMessageInput struct {
	SessionID string `json:"session_id"`
	Message   string `json:"message" jsonschema:"what the workflow shall do, what to change, or the answer to a question"`
}

// Answer is what came of a message.
type Answer struct {
	SessionID    string   `json:"session_id"`
	Stage        string   `json:"stage"`
	Messages     []string `json:"messages"`
	Questions    []string `json:"questions,omitempty"`
	Alternatives []string `json:"alternatives,omitempty"`
	WorkflowID   string   `json:"workflow_id,omitempty"`
	Valid        bool     `json:"valid,omitempty"`
	Failure      string   `json:"error,omitempty"`
}

// SendMessage sends a message and waits for the whole answer.
func (s *Service) SendMessage(ctx context.Context, in SendMessageInput) (*Answer, error) {
	after, err := s.Chat(ctx, in.SessionID, in.Message)
	if err != nil {
		return nil, err
	}
	out := &Answer{SessionID: in.SessionID, Messages: []string{}}
	if err := s.FollowTurn(ctx, in.SessionID, after, func(item ChatItem) error { return out.take(item.Data) }); err != nil {
		return nil, err
	}
	return out, nil
}

// take puts one event into the answer.
func (a *Answer) take(data json.RawMessage) error {
	var e struct {
		Type    string          `json:"type"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return err
	}
	switch e.Type {
	case "message":
		var m workflow.TurnMessage
		if err := json.Unmarshal(e.Content, &m); err != nil {
			return err
		}
		if m.Partial {
			return nil
		}
		a.Messages, a.Questions, a.Alternatives = append(a.Messages, m.Text), nil, titles(m.Alternatives)
		for _, q := range m.Questions {
			a.Questions = append(a.Questions, q.Question)
		}
	case "status":
		var c statusContent
		if err := json.Unmarshal(e.Content, &c); err != nil {
			return err
		}
		a.Stage = c.Stage
	case "workflow":
		var c struct {
			WorkflowID string `json:"workflow_id"`
			Validation struct {
				Valid bool `json:"valid"`
			} `json:"validation"`
		}
		if err := json.Unmarshal(e.Content, &c); err != nil {
			return err
		}
		a.WorkflowID, a.Valid = c.WorkflowID, c.Validation.Valid
	case "error":
		var f workflow.TurnFailure
		if err := json.Unmarshal(e.Content, &f); err != nil {
			return err
		}
		a.Failure = f.Code + ": " + f.Message
	}
	return nil
}

func titles(list []workflow.Alternative) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.Title+": "+a.Description)
	}
	return out
}
