package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/agent/planner"
	"flowgate/internal/workflow"
)

// maxRepairs is how often a document that does not validate is planned anew.
const maxRepairs = 3

// maxMessage bounds what a user may say at once.
const maxMessage = 32 << 10

// turn is one turn of a conversation on its way.
type turn struct {
	opts  Options
	req   workflow.Turn
	state workflow.AgentState
	send  func(workflow.TurnEvent) error
	lang  string
	first bool
	by    string // who planned
	// planner plans, and meter counts what models use up.
	planner planner.Planner
	meter   *planner.Meter
}

// Converse answers one message of a user: it sends the pieces of the answer in
// order, a change of stage before the stage's message, and the state with
// each of them. The last piece is final. An error ends the turn without one;
// the state before the turn then still holds.
func Converse(ctx context.Context, opts Options, req workflow.Turn, send func(workflow.TurnEvent) error) error {
	if strings.TrimSpace(req.Message) == "" {
		return workflow.Errorf(workflow.CodeInvalid, "message: Say what the workflow shall do.")
	}
	if len(req.Message) > maxMessage {
		return workflow.Errorf(workflow.CodeTooLarge, "message: It has %d bytes; at most %d are read. Say it shorter.", len(req.Message), maxMessage)
	}
	t := &turn{opts: opts, req: req, send: send, planner: opts.Planner, meter: planner.NewMeter(wished(opts.Budget, req))}
	t.begin()
	before := t.state.Stage
	t.hear(before)
	err := t.answer(ctx)
	if !t.mayFallBack(ctx, err) {
		return err
	}
	if err := t.fallBack(err); err != nil {
		return err
	}
	return t.answer(ctx)
}

// wished is a budget within which a turn's own wishes are, too.
func wished(b planner.Budget, req workflow.Turn) planner.Budget {
	if req.MaxCalls > 0 && (b.Calls == 0 || req.MaxCalls < b.Calls) {
		b.Calls = req.MaxCalls
	}
	if req.Timeout > 0 && (b.Time == 0 || req.Timeout < b.Time) {
		b.Time = req.Timeout
	}
	return b
}

// reasonInvalid is the reason of turns whose workflow could not be made valid.
const reasonInvalid = "WORKFLOW_INVALID"

// mayFallBack reports whether another planner may go on where one failed with
// err.
func (t *turn) mayFallBack(ctx context.Context, err error) bool {
	if err == nil || t.opts.Fallback == nil || t.planner == t.opts.Fallback || ctx.Err() != nil || t.by == t.opts.Fallback.Name() {
		return false
	}
	return planner.Gave(err) || workflow.ReasonOf(err) == reasonInvalid
}

// fallBack has the other planner go on, and says why.
func (t *turn) fallBack(why error) error {
	t.planner, t.first = t.opts.Fallback, false
	words := t.pick("The language model gave up; the offline planner goes on, by fixed rules. ", "语言模型未能完成，改由离线规划器按固定规则继续。") + workflow.MessageOf(why)
	err := t.emit(workflow.TurnEvent{Status: &workflow.TurnStatus{Stage: workflow.StageClarification, Previous: t.state.Stage, Description: words}})
	if err != nil {
		return err
	}
	return t.say(workflow.TurnMessage{Kind: "text", Text: words}, nil, false) // not everybody is shown statuses
}

// answer plans and then asks, offers or makes the workflow.
func (t *turn) answer(ctx context.Context) error {
	if err := t.enter(workflow.StageClarification); err != nil {
		return err
	}
	plan, err := t.plan(ctx, nil, nil)
	if err != nil {
		return err
	}
	t.lang, t.by = plan.Language, plan.By
	t.state.IntentSummary = plan.Summary
	switch {
	case len(plan.Questions) > 0:
		return t.ask(plan)
	case len(plan.Gaps) > 0:
		return t.offer(plan)
	}
	return t.make(ctx, plan)
}

// begin takes up the state, or makes the first.
func (t *turn) begin() {
	now := time.Now().UnixMilli()
	if t.req.State != nil {
		t.state = *t.req.State
		t.state.Conversations = append([]workflow.Said(nil), t.state.Conversations...)
		t.state.History = append([]string(nil), t.state.History...)
	}
	t.first = len(t.state.Conversations) == 0
	t.state.SessionID, t.state.UserID = t.req.SessionID, t.req.OwnerID
	if t.state.CreatedAt == 0 {
		t.state.CreatedAt = now
	}
	if t.state.Context == nil {
		t.state.Context = t.req.Context
	}
	if t.state.Context == nil {
		t.state.Context = &workflow.ConversationContext{Origin: workflow.OriginCreate}
	}
	c := workflow.Clarification{Purpose: "initial_intent", Origin: t.state.Context.Origin}
	if t.state.Clarification != nil {
		c = *t.state.Clarification
	}
	collected := map[string]string{}
	for k, v := range c.Collected {
		collected[k] = v
	}
	c.Collected = collected
	t.state.Clarification = &c
}

// hear decides what the user's words are: a new wish, more of one, an answer,
// or a choice.
func (t *turn) hear(stage workflow.Stage) {
	said := workflow.Said{Role: "user", Text: t.req.Message, At: time.Now().UnixMilli(), Metadata: map[string]string{metaKind: "wish"}}
	c := t.state.Clarification
	switch {
	case stage != workflow.StageNegotiation:
		said.Metadata[metaBegin] = "true"
		c.Collected, c.Pending = map[string]string{}, nil
		c.Purpose = "initial_intent"
	case len(t.state.Alternatives) > 0:
		if id := planner.Choose(t.req.Message, t.state.Alternatives); id != "" {
			c.Collected[kept(&t.state, metaGap)] = id
			said.Metadata[metaKind] = "choice"
			t.state.Alternatives, t.state.Gaps = nil, nil
		}
	default:
		answers := planner.Match(t.req.Message, asked(&t.state))
		for id, a := range answers {
			c.Collected[id] = a
		}
		if len(answers) > 0 {
			said.Metadata[metaKind] = "answer"
		}
	}
	t.state.Conversations = append(t.state.Conversations, said)
}

// plan asks the planner. draft and findings are what it made and what is
// wrong with it.
func (t *turn) plan(ctx context.Context, draft *workflow.Document, findings []workflow.Finding) (planner.Plan, error) {
	r := planner.Request{OwnerID: t.req.OwnerID, Language: t.req.Language, Origin: t.state.Context.Origin, Wish: wish(&t.state),
		Answers: t.state.Clarification.Collected, Draft: draft, Findings: findings,
		Model: t.req.Model, CredentialID: t.req.CredentialID, Scopes: t.req.Scopes, Meter: t.meter}
	for _, c := range t.state.Conversations {
		r.History = append(r.History, planner.Turn{Role: c.Role, Text: c.Text})
	}
	if t.state.Document != "" {
		r.Document = &workflow.Document{}
		if err := json.Unmarshal([]byte(t.state.Document), r.Document); err != nil {
			return planner.Plan{}, workflow.Wrap(workflow.CodeInvalid, err, "The workflow of this conversation cannot be read. Begin a new conversation.")
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &spoken{turn: t, id: uuid.NewString(), gone: cancel}
	if t.req.Streaming {
		r.Text = s.hear
	}
	p, err := t.planner.Plan(ctx, r)
	if s.failed != nil {
		return planner.Plan{}, s.failed
	}
	if err != nil {
		t.by = p.By
		return p, err
	}
	return p, s.end(p.Said)
}

var stageWords = map[workflow.Stage][2]string{
	workflow.StageClarification: {"Finding out what you want", "正在理解你的需求"},
	workflow.StageNegotiation:   {"Waiting for your answer", "等待你的回答"},
	workflow.StageGapAnalysis:   {"Comparing it with what the nodes can do", "正在对照可用的节点"},
	workflow.StageAlternatives:  {"Looking for other ways", "正在寻找替代方案"},
	workflow.StageGeneration:    {"Writing the workflow", "正在生成工作流"},
	workflow.StageDebug:         {"Checking the workflow", "正在检查工作流"},
	workflow.StageCompleted:     {"Done", "完成"},
	workflow.StageError:         {"Failed", "失败"},
}

// enter changes the stage and says so.
func (t *turn) enter(stage workflow.Stage, pending ...string) error {
	previous := t.state.Stage
	t.state.PreviousStage, t.state.Stage = previous, stage
	t.state.History = append(t.state.History, string(stage))
	if n := len(t.state.History); n > 100 {
		t.state.History = t.state.History[n-100:]
	}
	words := stageWords[stage]
	return t.emit(workflow.TurnEvent{Status: &workflow.TurnStatus{Stage: stage, Previous: previous, Description: t.pick(words[0], words[1]), Pending: pending}})
}

func (t *turn) pick(en, zh string) string {
	if t.lang == "zh" || t.lang == "" && (t.req.Language == "zh" || planner.Language(t.req.Message) == "zh") {
		return zh
	}
	return en
}

// emit sends a piece with the state as it is now.
func (t *turn) emit(e workflow.TurnEvent) error {
	e.At = time.Now().UTC()
	t.state.UpdatedAt = e.At.UnixMilli()
	s := t.state
	s.Conversations = append([]workflow.Said(nil), s.Conversations...)
	e.State = &s
	return t.send(e)
}

// say sends words and keeps them in the state.
func (t *turn) say(m workflow.TurnMessage, keep map[string]string, final bool) error {
	if m.ID == "" {
		m.ID = uuid.NewString()
	}
	m.Role = "assistant"
	t.state.Conversations = append(t.state.Conversations, workflow.Said{Role: m.Role, Text: m.Text, At: time.Now().UnixMilli(), Metadata: keep})
	return t.emit(workflow.TurnEvent{Message: &m, Final: final})
}

// hello says who plans, once.
func (t *turn) hello() string {
	if !t.first {
		return ""
	}
	t.first = false
	if t.by != planner.OfflineName {
		return ""
	}
	return t.pick("I am the offline planner: no language model is set up, so I go by fixed rules.\n\n", "我是离线规划器：没有配置语言模型，按固定规则工作。\n\n")
}

// ask puts the questions and waits.
func (t *turn) ask(p planner.Plan) error {
	if err := t.enter(workflow.StageNegotiation, t.pick("Answer the questions", "回答问题")); err != nil {
		return err
	}
	c := t.state.Clarification
	c.Pending = nil
	lead := t.pick("One thing before I can build it:", "在生成之前，我想确认：")
	if len(p.Questions) > 1 {
		lead = t.pick("A few things before I can build it:", "在生成之前，我想确认几点：")
	}
	text := t.hello() + lead
	m := workflow.TurnMessage{Kind: "question"}
	for i, q := range p.Questions {
		c.Pending = append(c.Pending, q.Text)
		m.Questions = append(m.Questions, workflow.Question{ID: q.ID, Question: q.Text, Category: q.Category, Required: true, Options: q.Options})
		text += fmt.Sprintf("\n%d. %s", i+1, q.Text)
		if len(q.Options) > 0 {
			text += " (" + strings.Join(q.Options, " / ") + ")"
		}
	}
	m.Text = text
	list, err := json.Marshal(p.Questions)
	if err != nil {
		return err
	}
	return t.say(m, map[string]string{metaQuestions: string(list)}, true)
}

// offer names what cannot be done and other ways, and waits.
func (t *turn) offer(p planner.Plan) error {
	if err := t.enter(workflow.StageGapAnalysis); err != nil {
		return err
	}
	t.state.Gaps = p.Gaps
	text := t.hello() + t.pick("This I cannot do as you ask:\n- ", "以下内容无法直接实现：\n- ") + strings.Join(p.Gaps, "\n- ")
	if err := t.say(workflow.TurnMessage{Kind: "text", Text: text}, nil, false); err != nil {
		return err
	}
	if err := t.enter(workflow.StageAlternatives); err != nil {
		return err
	}
	if err := t.enter(workflow.StageNegotiation, t.pick("Choose an alternative", "选择一个方案")); err != nil {
		return err
	}
	t.state.Clarification.Purpose = "gap_resolution"
	t.state.Alternatives = nil
	text = t.pick("You could instead:", "可以改为：")
	for i, a := range p.Alternatives {
		t.state.Alternatives = append(t.state.Alternatives, a)
		text += fmt.Sprintf("\n%d. **%s**: %s", i+1, a.Title, a.Description)
	}
	text += t.pick(fmt.Sprintf("\n\nSay a number from 1 to %d.", len(p.Alternatives)), fmt.Sprintf("\n\n请回复 1 到 %d 的数字。", len(p.Alternatives)))
	return t.say(workflow.TurnMessage{Kind: "options", Text: text, Alternatives: t.state.Alternatives}, map[string]string{metaGap: p.GapID}, true)
}

// make writes the document, checks it and delivers it.
func (t *turn) make(ctx context.Context, p planner.Plan) error {
	if err := t.enter(workflow.StageGapAnalysis); err != nil {
		return err
	}
	text := t.hello() + t.pick("Got it. ", "明白了。") + t.pick("All of it can be done.", "都可以实现。")
	if err := t.say(workflow.TurnMessage{Kind: "text", Text: text}, nil, false); err != nil {
		return err
	}
	if p.Document == nil {
		return workflow.Errorf(workflow.CodeInternal, "The planner made neither a workflow nor a question. Please say it in other words.").WithReason("NO_PLAN")
	}
	if err := t.enter(workflow.StageGeneration); err != nil {
		return err
	}
	words := t.pick("Writing your workflow…", "正在生成工作流……")
	if err := t.say(workflow.TurnMessage{Kind: "text", Text: words}, nil, false); err != nil {
		return err
	}
	t.state.DebugLoops = 0
	doc, v, trial, err := t.debug(ctx, p.Document)
	if err != nil {
		return err
	}
	return t.complete(doc, v, trial, p)
}

// debug validates the document, has it mended at most maxRepairs times, and
// runs of it what does not reach outside.
func (t *turn) debug(ctx context.Context, doc *workflow.Document) (*workflow.Document, workflow.Validation, Trial, error) {
	for {
		if err := t.enter(workflow.StageDebug); err != nil {
			return nil, workflow.Validation{}, Trial{}, err
		}
		v, err := t.opts.Engine.Validate(ctx, t.req.OwnerID, doc)
		if err != nil {
			return nil, v, Trial{}, err
		}
		trial := Trial{}
		if v.Valid && t.opts.Try != nil {
			trial = t.opts.Try(ctx, doc)
		}
		if trial.Problem != "" {
			v.Warnings = append(v.Warnings, workflow.Finding{Code: "trial_run", Message: trial.Problem})
		}
		result, err := json.Marshal(v)
		if err != nil {
			return nil, v, trial, err
		}
		t.state.DebugResult = string(result)
		if v.Valid {
			return doc, v, trial, nil
		}
		if t.state.DebugLoops >= maxRepairs {
			e := workflow.Errorf(workflow.CodeUnrunnable, "%s", t.pick("The workflow could not be made valid: ", "无法生成有效的工作流：")+found(v.Errors)).WithReason(reasonInvalid)
			return nil, v, trial, e
		}
		t.state.DebugLoops++
		words := t.pick("The check found something; I mend it: ", "检查发现问题，正在修正：") + v.Errors[0].Message
		if err := t.say(workflow.TurnMessage{Kind: "text", Text: words}, nil, false); err != nil {
			return nil, v, trial, err
		}
		if err := t.enter(workflow.StageGeneration); err != nil {
			return nil, v, trial, err
		}
		p, err := t.plan(ctx, doc, v.Errors)
		if planner.Gave(err) {
			err = workflow.Wrap(workflow.CodeOf(err), err, workflow.MessageOf(err)+t.pick(" What the check found: ", " 检查发现的问题：")+found(v.Errors)).WithReason(workflow.ReasonOf(err))
		}
		if err != nil {
			return nil, v, trial, err
		}
		if p.Document != nil {
			doc = p.Document
		}
	}
}

// found puts the first findings into words.
func found(list []workflow.Finding) string {
	var out []string
	for _, f := range list[:min(len(list), 3)] {
		text := f.Message
		if f.Node != "" && !strings.Contains(text, f.Node) {
			text = f.Node + ": " + text
		}
		out = append(out, text)
	}
	if more := len(list) - len(out); more > 0 {
		out = append(out, fmt.Sprintf("+%d", more))
	}
	return strings.Join(out, "; ")
}

// complete delivers the workflow and says what it does and what to do next.
func (t *turn) complete(doc *workflow.Document, v workflow.Validation, trial Trial, p planner.Plan) error {
	words := t.pick("The check found no fault.", "检查通过。")
	if len(trial.Ran) > 0 {
		words = t.pick(fmt.Sprintf("The check found no fault; a test run of %d steps went well, without reaching outside.", len(trial.Ran)), fmt.Sprintf("检查通过；试运行了 %d 个步骤（不访问外部）。", len(trial.Ran)))
	}
	if trial.Problem != "" {
		words = t.pick("It is valid. With sample data one step did not run through: ", "工作流有效。用示例数据试运行时有一步未通过：") + trial.Problem
	}
	if err := t.say(workflow.TurnMessage{Kind: "text", Text: words}, nil, false); err != nil {
		return err
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if err := t.enter(workflow.StageCompleted); err != nil {
		return err
	}
	t.state.Document = string(data)
	t.state.Alternatives, t.state.Gaps = nil, nil
	t.state.Clarification.Pending, t.state.Clarification.Collected = nil, map[string]string{}
	if err := t.emit(workflow.TurnEvent{Workflow: &workflow.TurnWorkflow{Document: doc, Validation: v}}); err != nil {
		return err
	}
	text := t.pick("Here is your workflow **", "工作流 **") + doc.Name + t.pick("**:\n", "** 已就绪：\n") + planner.Describe(doc, t.lang)
	if len(p.Notes) > 0 {
		text += t.pick("\n\nGood to know:\n- ", "\n\n说明：\n- ") + strings.Join(p.Notes, "\n- ")
	}
	text += t.pick("\n\nNext: run it once to try it, activate it when it starts by itself, or tell me what to change.", "\n\n接下来：可以运行试试、激活它，或告诉我要修改什么。")
	return t.say(workflow.TurnMessage{Kind: "text", Text: text}, nil, true)
}
