package node

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"flowgate/internal/workflow"
)

const httpRequestName = "n8n-nodes-base.httpRequest"

// httpRequest calls HTTP services.
func httpRequest() *Type {
	return &Type{
		Name: httpRequestName, DisplayName: "HTTP Request", Category: workflow.CategoryExternalAction,
		Description: "Calls an HTTP service once for each item and gives what it answers. A list in the answer becomes one item per element; files become binary data.",
		Versions:    []float64{1, 2, 3, 4, 4.1, 4.2, 4.3, 4.4},
		SideEffects: true,
		Credentials: []string{"httpBasicAuth", "httpBearerAuth", "httpCustomAuth", "httpDigestAuth", "httpHeaderAuth", "httpQueryAuth", "oAuth2Api"},
		Docs:        httpDocs,
		Params:      HTTPParams{},
		OldParams:   []VersionedParams{{Below: 3, Params: HTTPParamsOld{}}},
		Examples: []workflow.NodeExample{
			example("Get a list", httpRequestName, 4.2, `{"url":"https://api.example.com/items","sendQuery":true,"queryParameters":{"parameters":[{"name":"limit","value":"50"}]},"options":{}}`),
			example("Send JSON", httpRequestName, 4.2, `{"method":"POST","url":"https://api.example.com/items","authentication":"genericCredentialType","genericAuthType":"httpHeaderAuth","sendBody":true,"specifyBody":"json","jsonBody":"={{ JSON.stringify({ name: $json.name }) }}","options":{}}`),
			example("Page through a list", httpRequestName, 4.2, `{"url":"https://api.example.com/items","options":{"pagination":{"pagination":{"parameters":{"parameters":[{"name":"page","value":"={{ $pageCount + 1 }}"}]},"paginationCompleteWhen":"other","completeExpression":"={{ $response.body.items.length === 0 }}"}}}}`),
		},
		Run: runHTTPRequest,
	}
}

const httpDocs = `A status other than 2xx fails the item (so does a redirect that is not followed), unless options.response.response.neverError is set. ` +
	`With onError "continueRegularOutput" a failed item becomes {error: {message, name, code, status?}}; code is for instance ECONNREFUSED, ENOTFOUND or ECONNABORTED. ` +
	`options.response.response.fullResponse gives {body, headers, statusCode, statusMessage}. ` +
	`Requests to private addresses are refused unless the operator allows them.`

// httpRun is one run of the node: what its items share.
type httpRun struct {
	c      *Call
	plans  map[int]*plannedCall
	auths  map[string]*httpAuth
	ahead  map[int]*flight
	ctx    context.Context // of requests sent ahead; ends with the run
	flying sync.WaitGroup
}

type plannedCall struct {
	call *httpCall
	err  error
}

func runHTTPRequest(ctx context.Context, c *Call) (Output, error) {
	own, cancel := context.WithCancel(ctx)
	r := &httpRun{c: c, plans: map[int]*plannedCall{}, auths: map[string]*httpAuth{}, ahead: map[int]*flight{}, ctx: own}
	defer r.flying.Wait()
	defer cancel()
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) { return r.item(ctx, i, in) })
	return Items(items), err
}

func (r *httpRun) item(ctx context.Context, i int, in workflow.Item) ([]workflow.Item, error) {
	k, err := r.plan(ctx, i)
	if err != nil {
		return nil, err
	}
	if err := r.pause(ctx, k); err != nil {
		return nil, err
	}
	if k.pages != nil {
		return r.paged(ctx, k, in)
	}
	r.planAhead(ctx, k)
	data, err := r.c.Host.Effect(ctx, fmt.Sprintf("http-%d", i), func(ctx context.Context) ([]byte, error) {
		auth, err := r.credential(ctx, k)
		if err != nil {
			return nil, err
		}
		r.sendAhead(k, auth)
		if f := r.ahead[i]; f != nil {
			delete(r.ahead, i)
			return f.wait(ctx)
		}
		return sendHTTP(ctx, r.c.Host.HTTP(), k, auth)
	})
	if err != nil {
		return nil, err
	}
	a, err := decodeAnswer(data)
	if err != nil {
		return nil, err
	}
	return k.items(in, a)
}

func decodeAnswer(data []byte) (*httpAnswer, error) {
	a := &httpAnswer{}
	if err := json.Unmarshal(data, a); err != nil {
		return nil, Fail("The recorded answer cannot be read.")
	}
	return a, nil
}

// plan reads the parameters for item i, once.
func (r *httpRun) plan(ctx context.Context, i int) (*httpCall, error) {
	if p := r.plans[i]; p != nil {
		delete(r.plans, i)
		return p.call, p.err
	}
	return planHTTP(ctx, r.c, i)
}

// pause waits before the first request of a batch but the first. Short pauses
// are slept, long ones are a recorded wait, which does not count as work.
func (r *httpRun) pause(ctx context.Context, k *httpCall) error {
	if k.interval <= 0 || k.batchSize <= 0 || k.item == 0 || k.item%k.batchSize != 0 {
		return nil
	}
	return r.rest(ctx, fmt.Sprintf("http-pause-%d", k.item), k.interval)
}

func (r *httpRun) rest(ctx context.Context, key string, d time.Duration) error {
	if d >= time.Second {
		return r.c.Host.WaitUntil(ctx, key, r.c.Host.Now().Add(d))
	}
	_, err := r.c.Host.Effect(ctx, key, func(ctx context.Context) ([]byte, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return []byte("{}"), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	return err
}

// credential returns the call's credential, read once per run and kind. It is
// only called inside effects, so that a recorded run needs none.
func (r *httpRun) credential(ctx context.Context, k *httpCall) (*httpAuth, error) {
	if k.auth == "" {
		return nil, nil
	}
	if a := r.auths[k.auth]; a != nil {
		return a, nil
	}
	fields, err := r.c.Host.Credential(ctx, k.auth)
	if err != nil {
		return nil, err
	}
	if k.auth == "oAuth2Api" || credentialField(fields, "accessTokenUrl") != "" {
		token, err := oauth2Token(ctx, r.c.Host.HTTP(), fields)
		if err != nil {
			return nil, err
		}
		fields = map[string]string{"access_token": token}
	}
	a, err := newHTTPAuth(k.auth, fields)
	if err != nil {
		return nil, err
	}
	r.auths[k.auth] = a
	return a, nil
}
