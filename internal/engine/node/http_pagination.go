package node

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

const (
	maxPages     = 10_000 // requests of one item, whatever its completion says
	maxSamePages = 5      // equal answers in a row that are taken for a loop
)

// pager is an item's way from page to page.
type pager struct {
	run   *httpRun
	call  *httpCall
	page  int // pages fetched
	names map[string]any
	last  string
	same  int
}

// paged fetches page after page and gathers their items.
func (r *httpRun) paged(ctx context.Context, k *httpCall, in workflow.Item) ([]workflow.Item, error) {
	p := &pager{run: r, call: k, names: map[string]any{
		"$request": k.request(), "$response": workflow.NewObject("body", &workflow.Object{}, "headers", &workflow.Object{}),
	}}
	var out []workflow.Item
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next, err := p.next(ctx)
		if err != nil || next == nil {
			return out, err
		}
		a, err := p.fetch(ctx, next)
		if err != nil {
			return nil, err
		}
		done, keep, err := p.ended(ctx, next, a)
		if err != nil {
			return nil, err
		}
		if keep {
			items, err := next.items(in, a)
			if err != nil {
				return nil, err
			}
			out = append(out, items...)
		}
		if done {
			return out, nil
		}
	}
}

// next is the request for the coming page, nil when there is none.
func (p *pager) next(ctx context.Context) (*httpCall, error) {
	s, k := p.call.pages, *p.call
	if s.Limit && p.page >= max(s.MaxRequests, 1) {
		return nil, nil
	}
	if p.page >= maxPages {
		return nil, Fail("The pagination did not end within %d requests. Check paginationCompleteWhen, or set limitPagesFetched.", maxPages)
	}
	p.names["$pageCount"] = float64(p.page)
	if s.Mode == "responseContainsNextURL" {
		if p.page == 0 {
			return &k, nil
		}
		v, err := s.NextURL.Resolve(ctx, k.item, p.names)
		if err != nil {
			return nil, err
		}
		return k.at(strings.TrimSpace(textOf(plain(v))))
	}
	for _, f := range s.Params.Fields {
		if f.Name == "" {
			return nil, Fail("A pagination parameter has no name. Name the parameter that changes from page to page.")
		}
		v, err := f.Value.Resolve(ctx, k.item, p.names)
		if err != nil {
			return nil, err
		}
		if v = plain(v); v == nil && p.page == 0 {
			continue // there is no answer yet that it could come from
		}
		k.change(f.Kind, f.Name, v)
	}
	return &k, nil
}

// change sets one parameter of the request, which is the caller's own copy.
func (k *httpCall) change(kind, name string, v any) {
	switch kind {
	case "headers", "header":
		k.headers = setHTTPField(append([]HTTPField(nil), k.headers...), name, v, true)
	case "body":
		if k.body == nil {
			k.body = &httpBody{kind: "json", value: &workflow.Object{}}
		}
		k.body = k.body.setField(name, v)
	default:
		k.query = setHTTPField(append([]HTTPField(nil), k.query...), name, v, false)
	}
}

// at is the request at another address, nil where that is empty. Query
// parameters the address has itself are not repeated, and another origin gets
// no credential.
func (k *httpCall) at(address string) (*httpCall, error) {
	if address == "" {
		return nil, nil
	}
	base, err := url.Parse(k.url)
	if err != nil {
		return nil, Fail("Parameter \"url\" is not an address.")
	}
	u, err := base.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, Fail("The address of the next page is %q, which is no http address. Check nextURL.", clip(address, 120))
	}
	out, have := *k, u.Query()
	out.url, out.query = u.String(), nil
	for _, f := range k.query {
		if !have.Has(f.Name) {
			out.query = append(out.query, f)
		}
	}
	if u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) {
		out.auth = ""
	}
	return &out, nil
}

func (p *pager) fetch(ctx context.Context, k *httpCall) (*httpAnswer, error) {
	key := fmt.Sprintf("http-%d-page-%d", k.item, p.page)
	if d := time.Duration(k.pages.Interval) * time.Millisecond; d > 0 && p.page > 0 {
		if err := p.run.rest(ctx, key+"-rest", d); err != nil {
			return nil, err
		}
	}
	data, err := p.run.c.Host.Effect(ctx, key, func(ctx context.Context) ([]byte, error) {
		auth, err := p.run.credential(ctx, k)
		if err != nil {
			return nil, err
		}
		return sendHTTP(ctx, p.run.c.Host.HTTP(), k, auth)
	})
	if err != nil {
		return nil, err
	}
	a, err := decodeAnswer(data)
	if err != nil {
		return nil, err
	}
	if text := string(a.bytes()); text == p.last {
		p.same++
	} else {
		p.last, p.same = text, 1
	}
	p.page++
	return a, nil
}

// ended reports whether a is the last page, and whether its items count.
func (p *pager) ended(ctx context.Context, k *httpCall, a *httpAnswer) (done, keep bool, err error) {
	body := shownBody(a)
	p.names["$pageCount"], p.names["$request"], p.names["$response"] = float64(p.page), k.request(), a.full("body", body)
	switch k.pages.CompleteWhen {
	case "receiveSpecificStatusCodes":
		for _, code := range strings.Split(k.pages.CompleteStatus, ",") {
			if n, err := strconv.Atoi(strings.TrimSpace(code)); err == nil && n == a.Status {
				return true, a.Status < 400, nil
			}
		}
	case "other":
		v, err := k.pages.Complete.Resolve(ctx, k.item, p.names)
		if err != nil {
			return false, false, err
		}
		if yes, ok := boolOf(plain(v)); yes && ok {
			return true, true, nil
		}
	default:
		if isEmptyBody(body) {
			return true, p.page == 1, nil
		}
	}
	if p.same >= maxSamePages {
		return false, false, Fail("The service gave the same answer %d times in a row, so the pagination was stopped. Check that its parameters change from page to page.", maxSamePages)
	}
	return false, true, nil
}

// shownBody is the body as $response.body: JSON where it is, else text.
func shownBody(a *httpAnswer) any {
	if v, err := workflow.DecodeJSON(a.bytes()); err == nil {
		return v
	}
	return string(a.bytes())
}

func isEmptyBody(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case *workflow.Object:
		return v.Len() == 0
	}
	return false
}
