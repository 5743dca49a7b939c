package supabase

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	supabase "github.com/supabase-community/supabase-go"

	"flowgate/store"
)

// client calls functions of a project's API schema, each under one user's own
// token. Safe for concurrent use.
type client struct {
	base   *url.URL
	key    string // the project's public one
	schema string
	out    http.RoundTripper
	door   *door
}

// functionName is what names of functions are like: nothing else gets into an
// address.
var functionName = regexp.MustCompile(`^[a-z_]+$`)

// invoke calls a function with args, which become JSON, as the caller, and reads
// its answer into out. What only reads is sent again when a connection that had
// been idle turns out to be dead.
//
// A client of the library serves one call: one that failed is of no more use,
// and its headers are not safe to change while it is used.
func (c *client) invoke(ctx context.Context, as *store.Caller, name string, reads bool, args, out any) error {
	if !functionName.MatchString(name) {
		return fmt.Errorf("supabase: no function %q", name)
	}
	given, err := json.Marshal(args) // by us: the library would panic later on what cannot be
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"args": string(given)})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	answered, err := c.send(&call{ctx: limited, base: c.base, out: c.out, safe: reads}, as.Token(), name, body)
	switch {
	case err == nil:
		return decode(answered, out)
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return errSilent
	}
	return err
}

func (c *client) send(under *call, token, name string, body []byte) (answered string, err error) {
	address, end := c.door.begin(under)
	defer end()
	defer func() {
		if r := recover(); r != nil { // the library does on some odd answers
			err = fmt.Errorf("supabase: the client panicked: %v", r)
		}
	}()
	lib, err := supabase.NewClient(address, c.key, &supabase.ClientOptions{Schema: c.schema, Headers: map[string]string{"Authorization": "Bearer " + token}})
	if err != nil {
		return "", err
	}
	answered = lib.Rpc(name, "", json.RawMessage(body))
	switch {
	case under.err != nil:
		return "", under.err
	case !under.sent:
		return "", fmt.Errorf("supabase: the client sent nothing")
	}
	return answered, nil
}

// decode reads an answer, which is one JSON object.
func decode(answered string, out any) error {
	data := bytes.TrimSpace([]byte(answered))
	if len(data) == 0 || data[0] != '{' {
		return &answer{status: http.StatusOK, Message: fmt.Sprintf("an answer that is no JSON object: %.*q", shownOfAnswer, data)}
	}
	if err := json.Unmarshal(data, out); err != nil {
		return &answer{status: http.StatusOK, Message: "an answer that cannot be read: " + err.Error()}
	}
	return nil
}
