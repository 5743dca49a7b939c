package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowgate/store"
)

// TestCallerTellsNobody: a caller's token shows in no way of printing it.
func TestCallerTellsNobody(t *testing.T) {
	t.Parallel()
	c := store.NewCaller("ada", "very-secret", time.Now())
	if store.CallerOf(store.WithCaller(t.Context(), c)).Token() != "very-secret" || store.CallerOf(context.Background()).Token() != "" {
		t.Fatal("the context does not carry it")
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "caller", c, "value", *c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "caller", c, "value", *c)
	coded, _ := json.Marshal(struct{ C store.Caller }{*c})
	shown := fmt.Sprintf("%v %+v %#v %s", c, *c, *c, store.WithCaller(t.Context(), c)) + log.String() + string(coded)
	if strings.Contains(shown, "very-secret") {
		t.Error(shown)
	}
}
