package planner

import (
	"fmt"
	"net/url"
	"strings"

	"flowgate/internal/workflow"
)

// address writes a URL in which {field} stands for a value.
func (b *builder) address(s string) string {
	s = strings.NewReplacer("%7B", "{", "%7D", "}").Replace(s)
	at := strings.Index(s, "://")
	colon := lazily(`/:([A-Za-z_]\w*)`)
	if at > 0 {
		s = s[:at+3] + colon.ReplaceAllString(s[at+3:], "/{$1}")
	}
	return b.text(s)
}

// placeName names a request after its address.
func placeName(address string) string {
	u, err := url.Parse(lazily(`\{+[^}]*\}+`).ReplaceAllString(address, ""))
	if err != nil || u.Host == "" {
		return address
	}
	path := strings.Trim(u.Path, "/")
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		path = path[i+1:]
	}
	host := strings.TrimPrefix(u.Hostname(), "www.")
	if path == "" || len(path) > 24 {
		return host
	}
	return path + " (" + host + ")"
}

func (b *builder) request(s *step, address string) *object {
	params := obj()
	if s.method != "" && s.method != "GET" {
		params.Set("method", s.method)
	}
	params.Set("url", b.address(address))
	if s.auth != "" {
		params.Set("authentication", "genericCredentialType")
		params.Set("genericAuthType", s.auth)
		b.note("Store the credential and choose it in the request's node.", "请保存凭证并在请求节点里选择它。")
	}
	if len(s.head) > 0 {
		list := []any{}
		for _, h := range s.head {
			list = append(list, obj("name", h.name, "value", b.text(fmt.Sprint(h.value))))
		}
		params.Set("sendHeaders", true)
		params.Set("headerParameters", obj("parameters", list))
	}
	return params
}

// finish sets what belongs to the node rather than its parameters, and adds
// the branch for failures.
func (b *builder) finish(name string, s *step) []end {
	n := b.doc.NodeByName(name)
	if s.n > 0 {
		n.RetryOnFail, n.MaxTries = true, int(s.n)
	}
	if s.status == -1 {
		n.OnError = workflow.OnErrorContinue
	}
	for _, a := range s.arms {
		if a.label == "error" {
			n.OnError = workflow.OnErrorContinueToError
			x, at := b.x, b.at
			b.y += 180
			b.chain([]end{{name, 1}}, a.steps)
			b.y -= 180
			b.x, b.at = x, at
		}
	}
	return only(name)
}

func (b *builder) fetch(from []end, s *step) []end {
	if len(s.urls) > 1 {
		m := step{kind: "merge", what: "append", about: s.about}
		for _, u := range s.urls {
			one := *s
			one.urls, one.url = nil, u
			m.steps = append(m.steps, one)
		}
		return b.merge(from, &m)
	}
	params := b.request(s, s.url)
	if len(s.pairs) > 0 {
		list := []any{}
		for _, q := range s.pairs {
			list = append(list, obj("name", q.name, "value", b.value(q)))
		}
		params.Set("sendQuery", true)
		params.Set("queryParameters", obj("parameters", list))
	}
	options := obj()
	switch s.what {
	case "file":
		options.Set("response", obj("response", obj("responseFormat", "file")))
	case "text":
		options.Set("response", obj("response", obj("responseFormat", "text")))
	case "pages":
		options.Set("pagination", obj("pagination", obj("parameters", obj("parameters", []any{obj("name", "page", "value", "={{ $pageCount + 1 }}")}),
			"limitPagesFetched", true, "maxRequests", 50.0)))
		b.note("Pages are asked for by the query parameter page, at most 50, until one is empty.", "分页使用查询参数 page，最多 50 页，直到返回为空。")
	}
	params.Set("options", options)
	name := b.add(from, "httpRequest", b.r.pick("Fetch ", "获取 ")+placeName(s.url), params)
	b.fresh()
	ends := b.finish(name, s)
	return b.chain(ends, s.steps)
}

func (b *builder) send(from []end, s *step) []end {
	if s.all {
		from = b.aggregate(from, &step{kind: "aggregate", all: true})
	}
	urls := s.urls
	if len(urls) < 2 {
		urls = []string{s.url}
	}
	before, at := sourceName(from), b.at
	var ends []end
	y := b.y
	for i, u := range urls {
		b.at = at
		b.y = y + float64(i)*180
		if i > 0 {
			b.x -= 220
		}
		params := b.request(s, u)
		b.body(params, s)
		params.Set("options", obj())
		name := b.add(from, "httpRequest", b.r.pick(verbName(s.method), "发送到 ")+placeName(u), params)
		ends = append(ends, b.finish(name, s)...)
	}
	b.y = y
	if at.before != "" {
		b.at = at
	} else {
		old := at
		b.at = scope{known: map[string]bool{}, before: before, old: &old}
	}
	return ends
}

// sourceName is the node whose items go into a request; of several there is
// no one to refer to.
func sourceName(from []end) string {
	if len(from) == 1 {
		return from[0].node
	}
	return ""
}

func verbName(method string) string {
	switch method {
	case "PUT", "PATCH":
		return "Update "
	case "DELETE":
		return "Delete at "
	}
	return "Send to "
}

func (b *builder) body(params *object, s *step) {
	if s.method == "DELETE" && len(s.pairs) == 0 && s.what == "" {
		return
	}
	params.Set("sendBody", true)
	switch {
	case s.what == "json":
		params.Set("specifyBody", "json")
		params.Set("jsonBody", b.text(s.text))
	case s.what == "text":
		params.Set("bodyParameters", obj("parameters", []any{obj("name", "text", "value", b.text(s.text))}))
	case len(s.pairs) > 0:
		list := []any{}
		for _, q := range s.pairs {
			list = append(list, obj("name", q.name, "value", b.value(q)))
		}
		params.Set("bodyParameters", obj("parameters", list))
	default:
		item := b.item()
		if p := strings.TrimSuffix(b.source().prefix, "."); p != "" && !b.changed() {
			item += "." + p
		}
		params.Set("specifyBody", "json")
		params.Set("jsonBody", "={{ "+item+" }}")
	}
}

func (b *builder) mail(from []end, s *step) []end {
	subject, text := s.unit, s.text
	if subject == "" {
		subject = b.r.pick("From your workflow", "来自工作流的通知")
	}
	body := b.text(text)
	if text == "" {
		body = "={{ JSON.stringify(" + b.item() + ", null, 2) }}"
	}
	to := s.to
	if f, ok := strings.CutPrefix(to, "="); ok {
		to = "={{ " + b.source().refOn(b.item(), f) + " }}"
	}
	b.note("Store an SMTP credential and choose it in the e-mail's node; set the sender's address there.", "请保存 SMTP 凭证并在邮件节点中选择，同时填写发件人地址。")
	at, before := b.at, sourceName(from)
	n := b.add(from, "emailSend", b.r.pick("E-mail to ", "发邮件给 ")+strings.TrimPrefix(s.to, "="), obj("fromEmail", "workflow@example.com", "toEmail", to, "subject", b.text(subject),
		"emailFormat", "text", "text", body, "options", obj()))
	if at.before == "" {
		old := at
		b.at = scope{known: map[string]bool{}, before: before, old: &old}
	}
	return only(n)
}
