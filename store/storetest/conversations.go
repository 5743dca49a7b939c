package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"sync/atomic"
	"testing/quick"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// session stores a session of the owner's.
func (w *world) session(owner string) *store.Session {
	w.Helper()
	at := epoch().Add(time.Duration(w.n) * time.Second)
	s := &store.Session{ID: w.id("se"), OwnerID: owner, Action: "create", Title: "Orders 订单", Status: "active", Meta: json.RawMessage(`{"a":1}`), Model: "m/1", ModelCredential: "c1", CreatedAt: at, UpdatedAt: at}
	w.ok(w.CreateSession(w.Context(), s))
	return s
}

var conversationTests = map[string]func(w *world){
	"session is its owner's": func(w *world) {
		s := w.session(ada)
		got, err := w.Session(w.Context(), ada, s.ID)
		w.ok(err)
		w.same("session", got, s)
		_, err = w.Session(w.Context(), bob, s.ID)
		w.code(workflow.CodeNotFound, err)
		s.Title, s.WorkflowID, s.Meta = "new", "wf", json.RawMessage(`{"b":2}`)
		stranger := *s
		stranger.OwnerID = bob
		w.code(workflow.CodeNotFound, w.UpdateSession(w.Context(), &stranger))
		w.ok(w.UpdateSession(w.Context(), s))
		got, err = w.Session(w.Context(), ada, s.ID)
		w.ok(err)
		w.same("session", got, s)
		_, _, err = w.ListMessages(w.Context(), bob, s.ID, 0, 10)
		w.code(workflow.CodeNotFound, err)
		_, err = w.State(w.Context(), bob, s.ID)
		w.code(workflow.CodeNotFound, err)
		_, err = w.AddChatEvent(w.Context(), bob, s.ID, json.RawMessage(`{}`), 0)
		w.code(workflow.CodeNotFound, err)
		_, err = w.BeginTurn(w.Context(), bob, s.ID, time.Minute)
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeNotFound, w.DeleteSession(w.Context(), bob, s.ID))
		w.ok(w.DeleteSession(w.Context(), ada, s.ID))
		_, err = w.Session(w.Context(), ada, s.ID)
		w.code(workflow.CodeNotFound, err)
	},
	"sessions are paged": func(w *world) {
		var want []string
		for range 5 {
			want = append(want, w.session(ada).ID)
			w.session(bob)
		}
		slices.Reverse(want)
		list := func(p store.Page) ([]string, string, error) {
			rows, total, next, err := w.ListSessions(w.Context(), ada, p)
			if err == nil && total != 5 {
				w.Errorf("total %d", total)
			}
			return idsOf(rows, func(s *store.Session) string { return s.ID }), next, err
		}
		if got := w.walk(2, list, nothing); !slices.Equal(got, want) {
			w.Fatalf("got %v, want %v", got, want)
		}
	},
	"messages are numbered by the database": func(w *world) {
		s := w.session(ada)
		together(8, func(i int) {
			m := &store.Message{ID: fmt.Sprint("m", i), SessionID: s.ID, OwnerID: ada, Type: "user", Content: "你好\x00", CreatedAt: epoch()}
			if err := w.AddMessage(w.Context(), m); err != nil || m.Seq < 1 {
				w.Errorf("message %d: %v", m.Seq, err)
			}
		})
		list, total, err := w.ListMessages(w.Context(), ada, s.ID, 3, 100)
		w.ok(err)
		if total != 8 || len(list) != 5 || list[0].Seq != 4 || list[4].Seq != 8 || list[0].Content != "你好\x00" {
			w.Fatalf("total %d, list %s", total, asJSON(list))
		}
		stranger := &store.Message{ID: "x", SessionID: s.ID, OwnerID: bob, Type: "user", CreatedAt: epoch()}
		w.code(workflow.CodeNotFound, w.AddMessage(w.Context(), stranger))
	},
	"one turn at a time": func(w *world) {
		s := w.session(ada)
		var won atomic.Int64
		together(6, func(int) {
			if _, err := w.BeginTurn(w.Context(), ada, s.ID, time.Minute); err == nil {
				won.Add(1)
			} else if workflow.CodeOf(err) != workflow.CodeConflict {
				w.Error(err)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d turns at once", won.Load())
		}
		w.ok(w.RenewTurn(w.Context(), ada, s.ID, 1, time.Minute))
		w.ok(w.EndTurn(w.Context(), ada, s.ID, 1))
		w.code(workflow.CodeConflict, w.RenewTurn(w.Context(), ada, s.ID, 1, time.Minute)) // what was given up is not taken back
		turn, err := w.BeginTurn(w.Context(), ada, s.ID, -time.Second)                     // over at once
		w.ok(err)
		next, err := w.BeginTurn(w.Context(), ada, s.ID, time.Minute)
		w.ok(err)
		if turn != 2 || next != 3 {
			w.Fatalf("turns %d and %d", turn, next)
		}
		w.code(workflow.CodeConflict, w.RenewTurn(w.Context(), ada, s.ID, turn, time.Minute))
		w.ok(w.EndTurn(w.Context(), ada, s.ID, turn)) // lost: the later one stays
		_, err = w.BeginTurn(w.Context(), ada, s.ID, time.Minute)
		w.code(workflow.CodeConflict, err)
		for _, ends := range []int64{0, turn} { // nor does an event of another turn end it
			_, err = w.AddChatEvent(w.Context(), ada, s.ID, json.RawMessage(`{}`), ends)
			w.ok(err)
			_, err = w.BeginTurn(w.Context(), ada, s.ID, time.Minute)
			w.code(workflow.CodeConflict, err)
		}
		_, err = w.AddChatEvent(w.Context(), ada, s.ID, json.RawMessage(`{}`), next)
		w.ok(err)
		_, err = w.BeginTurn(w.Context(), ada, s.ID, time.Minute)
		w.ok(err)
	},
	"an older turn leaves the state alone": func(w *world) {
		s := w.session(ada)
		got, err := w.State(w.Context(), ada, s.ID)
		w.ok(err)
		if got != nil {
			w.Fatalf("a state from nowhere: %+v", got)
		}
		for range 2 {
			_, err := w.BeginTurn(w.Context(), ada, s.ID, -time.Second)
			w.ok(err)
		}
		state := &workflow.AgentState{SessionID: s.ID, Stage: workflow.StageNegotiation, Clarification: &workflow.Clarification{Pending: []string{"?"}, Collected: map[string]string{"url": "x"}}}
		w.ok(w.SaveState(w.Context(), ada, s.ID, 2, state))
		w.ok(w.SaveState(w.Context(), ada, s.ID, 1, &workflow.AgentState{}))
		w.ok(w.SaveState(w.Context(), bob, s.ID, 2, &workflow.AgentState{}))
		got, err = w.State(w.Context(), ada, s.ID)
		w.ok(err)
		w.same("state", got, state)
	},
	"states come back as they were saved, whatever turns do": func(w *world) {
		sessions := []*store.Session{w.session(ada), w.session(ada)}
		saved := make([][]byte, len(sessions)) // what each session's state must be, as JSON
		newest := make([]int64, len(sessions)) // the turn that saved it
		begun := make([]int64, len(sessions))
		random := rand.New(rand.NewSource(7)) //nolint:gosec // the same each time
		for range 60 {
			i := random.Intn(len(sessions))
			s := sessions[i]
			if begun[i] == 0 || random.Intn(3) == 0 {
				turn, err := w.BeginTurn(w.Context(), ada, s.ID, -time.Second)
				w.ok(err)
				begun[i] = turn
			}
			turn := 1 + random.Int63n(begun[i]) // this one or one that was lost
			v, ok := quick.Value(reflect.TypeFor[workflow.AgentState](), random)
			if !ok {
				w.Fatal("no state could be made")
			}
			state := v.Interface().(workflow.AgentState)
			data, err := json.Marshal(state)
			w.ok(err)
			w.ok(w.SaveState(w.Context(), ada, s.ID, turn, &state))
			w.ok(w.SaveState(w.Context(), bob, s.ID, turn, &workflow.AgentState{Document: "bob's"}))
			if turn >= newest[i] {
				saved[i], newest[i] = data, turn
			}
			for j, s := range sessions {
				got, err := w.State(w.Context(), ada, s.ID)
				w.ok(err)
				if again, _ := json.Marshal(got); saved[j] != nil && string(again) != string(saved[j]) {
					w.Fatalf("saved %s\ngot   %s", saved[j], again)
				}
			}
		}
	},
	"chat events are numbered and bounded": func(w *world) {
		s := w.session(ada)
		for i := range store.KeptChatEvents + 10 {
			id, err := w.AddChatEvent(w.Context(), ada, s.ID, json.RawMessage(fmt.Sprintf(`{"n":%d}`, i+1)), 0)
			w.ok(err)
			if id != int64(i+1) {
				w.Fatalf("event %d got id %d", i+1, id)
			}
		}
		list, newest, err := w.ChatEvents(w.Context(), ada, s.ID, 0, 2000)
		w.ok(err)
		if len(list) != store.KeptChatEvents || list[0].ID != 11 || newest != store.KeptChatEvents+10 || string(list[0].Data) != `{"n":11}` {
			w.Fatalf("%d events from %d to %d", len(list), list[0].ID, newest)
		}
	},
}
