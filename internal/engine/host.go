package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// host is what the engine does for one attempt of one node run. Its context
// is the attempt's own: it lives as long as the host does.
type host struct {
	x    *execution
	v    *vertex
	run  int
	try  int
	ctx  context.Context // StaticData has none to be given
	eval *evaluator
	rand *rand.Rand

	timeoutRecorded bool // the node's time ran out inside a recorded step
}

var _ node.Host = (*host)(nil)

// escapeName keeps node names from running into the rest of a key.
var escapeName = strings.NewReplacer("%", "%25", "/", "%2F")

// effectKey names an effect within the execution, sub-workflows included.
func (x *execution) effectKey(v *vertex, run int, key string, try int) string {
	name := x.path + escapeName.Replace(v.name()) + "/" + strconv.Itoa(run) + "/"
	if try > 0 {
		name += "try" + strconv.Itoa(try) + "/"
	}
	return name + key
}

func (h *host) key(key string) string { return h.x.effectKey(h.v, h.run, key, h.try) }

// Effect records what fn gets from outside.
func (h *host) Effect(ctx context.Context, key string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	rec, err := h.x.step(ctx, h.key(key), fn)
	if err != nil {
		return nil, err
	}
	switch rec.kind {
	case recordOK:
		return rec.data, nil
	case recordNodeTimeout:
		h.timeoutRecorded = true
		h.x.expire()
		return nil, errNodeTimeout
	}
	return nil, decodeFailure(rec.data)
}

// HTTP is the job's client, or the engine's.
func (h *host) HTTP() *http.Client { return h.x.http }

// MCP is the operator's MCP servers; use it inside Effect only.
func (h *host) MCP() *node.MCPPool { return h.x.engine.mcp }

// WaitUntil returns when t has come.
func (h *host) WaitUntil(ctx context.Context, key string, t time.Time) error {
	if !t.After(h.x.clock.now) {
		return ctx.Err()
	}
	until := t.UTC()
	h.x.waits(ctx, h.v, h.run, &workflow.Waiting{Node: h.v.name(), Kind: "time", Until: &until})
	if err := h.x.waitUntil(ctx, h.key(key), t); err != nil {
		return err
	}
	h.x.resumed(ctx, h.v, h.run)
	return nil
}

// Receive waits for a message to this node run.
func (h *host) Receive(ctx context.Context, key string, w workflow.Waiting, deadline time.Time) ([]byte, error) {
	if w.Node == "" {
		w.Node = h.v.name()
	}
	if w.Until == nil && !deadline.IsZero() {
		until := deadline.UTC()
		w.Until = &until
	}
	x := h.x
	w.Topic = h.key(key)
	x.waits(ctx, h.v, h.run, &w)
	x.pause()
	message, err := x.effects.Receive(ctx, w.Topic, w, deadline)
	x.resume()
	if err != nil {
		return nil, x.fault(ctx, err)
	}
	if _, err := x.step(ctx, w.Topic+"/at", func(context.Context) ([]byte, error) { return nil, nil }); err != nil {
		return nil, err
	}
	if w.Kind == "webhook" && node.WantsAnswer(message) || w.Kind == "form" && message != nil {
		x.answering, x.responded = true, false
	}
	x.resumed(ctx, h.v, h.run)
	return message, nil
}

// waitUntil is a recorded sleep.
func (x *execution) waitUntil(ctx context.Context, key string, t time.Time) error {
	x.pause()
	err := x.effects.WaitUntil(ctx, key, t)
	x.resume()
	if err != nil {
		return x.fault(ctx, err)
	}
	x.clock.advance(t)
	return nil
}

// fault tells an error the caller is to see (what this run cannot do) from a
// failure of the machinery, which ends the computation.
func (x *execution) fault(ctx context.Context, err error) error {
	if workflow.CodeOf(err) == workflow.CodeUnsupported || ctx.Err() != nil && !errors.Is(err, ErrSuspended) {
		return err
	}
	return x.interrupt(err)
}

// Credential returns the fields of the credential the node refers to.
func (h *host) Credential(ctx context.Context, kind string) (map[string]string, error) {
	ref, ok := h.v.node.Credentials[kind]
	switch {
	case !ok:
		return nil, node.Fail("The node needs a credential of the type %q and has none.", kind)
	case h.x.job.Credentials == nil:
		return nil, node.Fail("This run has no credentials, and the node needs one of the type %q.", kind)
	}
	return h.x.job.Credentials(ctx, kind, ref)
}

// Respond answers the caller that waits; only the first answer counts.
func (h *host) Respond(ctx context.Context, r workflow.Response) (bool, error) {
	return h.x.respond(ctx, h.v, h.run, r)
}

// StaticData is the workflow's or the node's own object.
func (h *host) StaticData(scope string) *workflow.Object {
	return h.x.staticObject(h.ctx, scope, h.v.name())
}

// Now is the execution's clock.
func (h *host) Now() time.Time { return h.x.clock.now }

// Rand is the node run's source of chance.
func (h *host) Rand() *rand.Rand {
	if h.rand == nil {
		h.rand = source(h.x.job.Execution.Seed, h.x.path+h.v.name(), h.run)
	}
	return h.rand
}

// Location is the workflow's time zone.
func (h *host) Location() *time.Location { return h.x.location() }
