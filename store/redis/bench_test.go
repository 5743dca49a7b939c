package redis_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
)

// BenchmarkRead compares what Redis and the database take for the same reads,
// which is what docs/adr says of caches rests on.
func BenchmarkRead(b *testing.B) {
	url := os.Getenv("FLOWGATE_TEST_POSTGRES_URL")
	if url == "" {
		b.Skip("SKIPPED: FLOWGATE_TEST_POSTGRES_URL is not set")
	}
	s := open(b, server(b), own(b))
	o, err := client.ParseURL(server(b))
	if err != nil {
		b.Fatal(err)
	}
	raw := client.NewClient(o)
	b.Cleanup(func() { _ = raw.Close() })
	schema := fmt.Sprintf("bench_%d", time.Now().UnixNano())
	db, err := postgres.Open(b.Context(), postgres.Options{URL: url, Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if _, err := db.Pool().Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			b.Error(err)
		}
		_ = db.Close()
	})
	now := time.Now().UTC()
	session := &store.Session{ID: "s", OwnerID: "ann", Action: "create", Status: "active", CreatedAt: now, UpdatedAt: now}
	flow := &workflow.Workflow{ID: "w", OwnerID: "ann", CreatedAt: now, UpdatedAt: now, Document: workflow.Document{Name: "flow", Description: strings.Repeat("x", 4000)}}
	if err := db.CreateSession(b.Context(), session); err != nil {
		b.Fatal(err)
	}
	if err := db.CreateWorkflow(b.Context(), flow); err != nil {
		b.Fatal(err)
	}
	for range 20 {
		data := []byte(`{"type":"message","content":"` + strings.Repeat("x", 300) + `"}`)
		id, err := db.AddChatEvent(b.Context(), "ann", "s", data, 0)
		if err == nil {
			err = s.KeepChatEvent(b.Context(), "ann", "s", store.ChatEvent{ID: id, Data: data})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	key := own(b) + ":value"
	if err := raw.Set(b.Context(), key, strings.Repeat("x", 4200), time.Minute).Err(); err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"events/postgres":   func() error { _, _, err := db.ChatEvents(b.Context(), "ann", "s", 0, 100); return err },
		"events/redis":      func() error { _, _, err := s.KeptChatEvents(b.Context(), "ann", "s", 0, 100); return err },
		"workflow/postgres": func() error { _, err := db.Workflow(b.Context(), "ann", "w"); return err },
		"workflow/redis":    func() error { return raw.Get(b.Context(), key).Err() },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
