package planner

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// Offline plans without a language model: by rules, deterministically, from
// the node catalogue, in English and Chinese.
type Offline struct{ can abilities }

var _ Planner = (*Offline)(nil)

// NewOffline returns an offline planner over a catalogue.
func NewOffline(catalogue []workflow.NodeType) *Offline { return &Offline{can: abilitiesOf(catalogue)} }

// OfflineName is the name of every offline planner.
const OfflineName = "offline planner"

// Name says that no model is at work.
func (*Offline) Name() string { return OfflineName }

// Plan reads the wish and the answers from the beginning, each time.
func (o *Offline) Plan(_ context.Context, req Request) (Plan, error) {
	plan := o.plan(req)
	plan.By = o.Name()
	return plan, nil
}

func (o *Offline) plan(req Request) Plan {
	wish := strings.TrimSpace(strings.Join(req.Wish, "\n"))
	r := read(withAnswers(wish, req.Answers), cmp.Or(req.Language, languageOf(wish)))
	if req.Draft != nil && len(req.Findings) > 0 { // a draft of rules: the same rules make the same
		return Plan{Language: r.lang, Document: mended(req.Draft, req.Findings)}
	}
	if req.Document != nil {
		return o.change(r, req)
	}
	return o.create(r, req)
}

// withAnswers appends the answers to the open questions of a vague wish.
func withAnswers(wish string, answers map[string]string) string {
	for _, id := range []string{"start", "do", "result"} {
		a := strings.TrimSpace(answers[id])
		if a == "" {
			continue
		}
		if id == "start" {
			wish = a + "\n" + wish
			continue
		}
		if id == "result" && (reURL.MatchString(a) || reMail.MatchString(a)) && lazily(`(?i)^(?:to\s+)?\S+$`).MatchString(a) {
			a = map[string]string{"zh": "发送到 ", "en": "send it to "}[languageOf(wish)] + strings.TrimPrefix(a, "to ")
		}
		wish += "\n" + a
	}
	return wish
}

var (
	reVague   = lazily(`(?i)\b(?:something|some ?things?|stuff|things?|automat(?:e|es|ed|ing|ion|ions)|workflows?|help|process(?:es)?|improve|easier|faster|manage|business|work|tasks?|everything|anything|cool|useful|productive|assist|idea|ideas|do it|what can you|my data|my (?:\w+ )?(?:work|life|day|job)|integrat\w*)\b|自动化|工作流|帮我|帮忙|东西|一些|事情|效率|管理|流程|业务|怎么|弄|搞|随便|什么`)
	reNothing = lazily(`(?i)^(?:hi|hello|hey|good (?:morning|day|evening)|thanks?|ok|yes|no|test|你好|您好|谢谢|好的?)\W*$`)
)

// create plans a new workflow.
func (o *Offline) create(r *reading, req Request) Plan {
	whole := r.plain(r.text)
	s := r.understand(o.can)
	plan := Plan{Language: r.lang}
	f := &filler{r: r, can: o.can, answers: req.Answers, count: map[string]int{}}
	if len(s.steps) == 0 || onlyVague(s.steps, whole) {
		if questions := o.vague(r, s, req, whole); len(questions) > 0 {
			plan.Summary = r.pick("I do not know enough yet.", "我还需要更多信息。")
			plan.Questions = questions
			return plan
		}
	}
	o.chat(&s)
	s.steps = withoutReturn(s)
	for _, g := range s.gaps {
		f.eventGap(&s, g)
	}
	s.steps = f.steps(s.steps)
	f.forgotten(s)
	plan.Summary = r.summary(whole)
	hopeless := slices.ContainsFunc(f.gaps, func(g gapAt) bool { return g.kind != "service" })
	switch {
	case len(f.questions) > 0 && !hopeless: // what cannot be done is said before anything is asked
		plan.Questions = f.questions[:min(len(f.questions), MaxQuestions)]
		return plan
	case len(f.gaps) > 0:
		g := f.gaps[0]
		for _, each := range f.gaps {
			plan.Gaps = append(plan.Gaps, f.sayGap(each.gap))
		}
		plan.GapID, plan.Alternatives = g.id, f.alternatives(g.gap)
		return plan
	}
	b := newBuilder(r, o.can)
	b.chain(b.triggers(s.triggers, s.steps), s.steps)
	b.doc.Name = s.name
	if b.doc.Name == "" {
		b.doc.Name = title(whole, r.lang)
	}
	b.doc.Settings.Timezone = s.zone
	plan.Document, plan.Notes = b.doc, b.notes
	return plan
}

// chat turns a chat trigger into a gap where the catalogue has none.
func (o *Offline) chat(s *script) {
	for i := range s.triggers {
		if s.triggers[i].kind == "chat" && !o.can.has("chatTrigger") {
			s.gaps = append(s.gaps, gap{kind: "event", service: "chat", about: s.triggers[i].about})
			s.triggers[i].kind = "webhook"
		}
	}
}

// withoutReturn leaves out "return the result" where nobody waits for one.
func withoutReturn(s script) []step {
	n := len(s.steps)
	if n == 0 || s.steps[n-1].kind != "respond" || slices.ContainsFunc(s.triggers, func(t trigger) bool { return t.kind == "webhook" }) {
		return s.steps
	}
	if n > 1 && lazily(`(?i)^(?:return|give|返回)`).MatchString(s.steps[n-1].raw) {
		return s.steps[:n-1]
	}
	return s.steps
}

// onlyVague reports that what was not understood is all there is, and that
// it says nothing in particular.
func onlyVague(steps []step, whole string) bool {
	for _, s := range steps {
		if s.kind != "gap" || s.what != "ability" || !(reVague.MatchString(s.about) || reNothing.MatchString(s.about) || len([]rune(s.about)) < 3 && reVague.MatchString(whole)) {
			return false
		}
	}
	return true
}

// vague asks what a wish without anything to do is about.
func (o *Offline) vague(r *reading, s script, req Request, whole string) []Question {
	p := r.pick
	_, done := req.Answers["do"]
	if done {
		return nil
	}
	if len(s.steps) > 0 && !reVague.MatchString(whole) && !reNothing.MatchString(strings.TrimSpace(whole)) {
		return nil
	}
	if len(s.gaps) > 0 {
		return nil
	}
	var out []Question
	if _, said := req.Answers["start"]; len(s.triggers) == 0 && !said {
		out = append(out, Question{ID: "start", Category: "trigger", Text: p("What shall start it?", "由什么启动？"),
			Options: []string{p("by hand", "手动启动"), p("every day at 9:00", "每天早上9点"), p("when a webhook is called", "收到 webhook 时")}})
	}
	out = append(out, Question{ID: "do", Category: "logic", Text: p("What shall it do, step by step? For instance: fetch https://api.example.com/orders and keep those where amount > 100.",
		"它要做什么？请一步步说明，例如：获取 https://api.example.com/orders，只保留 amount 大于 100 的数据。")})
	if len(s.triggers) == 0 {
		out = append(out, Question{ID: "result", Category: "output", Text: p("Where shall the result go? A web address, an e-mail address, or nowhere.", "结果发送到哪里？网址、邮箱，或不需要发送。")})
	}
	return out
}

// summary repeats the wish in short.
func (r *reading) summary(whole string) string {
	whole = strings.Join(strings.Fields(whole), " ")
	if n := []rune(whole); len(n) > 240 {
		whole = string(n[:240]) + "…"
	}
	return whole
}

// title makes a name of the wish.
func title(whole, lang string) string {
	s := lazily(`https?://\S+`).ReplaceAllStringFunc(whole, placeName)
	s = strings.Join(strings.Fields(lazily("[\\n`]+").ReplaceAllString(s, " ")), " ")
	limit := 60
	if lang == "zh" {
		limit = 30
	}
	n := []rune(s)
	if len(n) > limit {
		n = n[:limit]
		s = string(n)
		if i := strings.LastIndexAny(s, " ，,"); i > limit/2 {
			s = s[:i]
		}
		s += "…"
	}
	s = strings.TrimRight(s, " .,;。，")
	if s == "" {
		return map[string]string{"zh": "新工作流", "en": "New workflow"}[lang]
	}
	first := []rune(s)
	return strings.ToUpper(string(first[:1])) + string(first[1:])
}

// mended takes out of a draft what keeps it from running.
func mended(draft *workflow.Document, findings []workflow.Finding) *workflow.Document {
	doc := clone(draft)
	for _, f := range findings {
		n := doc.NodeByName(f.Node)
		if n == nil || !strings.HasPrefix(f.Code, "unknown_parameter") {
			continue
		}
		path := f.Path[strings.LastIndex(f.Path, "parameters.")+len("parameters."):]
		if f.Path != "" && !strings.ContainsAny(path, ".[") {
			n.Parameters.Delete(path)
		}
	}
	return doc
}
