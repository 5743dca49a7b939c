package llm

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// Probe asks a provider for its list of models, which costs nothing: whether
// it can be reached and takes the key. Attempts, Idle and Pause are not used.
func Probe(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address := o.BaseURL
	if address == "" {
		address = base(o.Provider)
	}
	path := "/models"
	if o.Provider == Anthropic {
		path = "/v1/models"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/")+path, nil)
	if err != nil {
		return err
	}
	if o.Provider == Anthropic {
		req.Header.Set("X-Api-Key", o.Key)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	} else if o.Key != "" {
		req.Header.Set("Authorization", "Bearer "+o.Key)
	}
	resp, err := direct(o.Client).Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return (&fault{kind: kindBroken, says: "it does not answer"}).public(o.Model)
		}
		f := transportFault(err)
		if f, ok := f.(*fault); ok { //nolint:errorlint // it was just made
			return f.public(o.Model)
		}
		return f
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode < 300 {
		return nil // some servers have no list
	}
	return byStatus(resp.StatusCode, "", resp.Header).public(o.Model)
}
