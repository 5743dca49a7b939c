package engine

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// shelf keeps contents in memory.
type shelf struct {
	mu        sync.Mutex
	contents  map[string][]byte
	owner     string
	writes    int
	forgotten []string
	failure   error
}

var _ Files = (*shelf)(nil)

func newShelf() *shelf { return &shelf{contents: map[string][]byte{}, owner: testOwner} }

func (s *shelf) Read(_ context.Context, owner, id string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.contents[id]
	if s.failure != nil {
		return nil, s.failure
	}
	if !ok || owner != s.owner {
		return nil, workflow.Errorf(workflow.CodeNotFound, "There is none.")
	}
	return data, nil
}

func (s *shelf) Keep(_ context.Context, id string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	if s.contents[id] == nil {
		s.writes++
		s.contents[id] = bytes.Clone(data)
	}
	return nil
}

func (s *shelf) Forget(_ context.Context, executions []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten = append(s.forgotten, executions...)
	for id := range s.contents {
		if e, _, _ := store.OfExecution(id); slices.Contains(executions, e) {
			delete(s.contents, id)
		}
	}
}

// ids are those of an execution's contents.
func (s *shelf) ids(execution string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.contents {
		if strings.HasPrefix(id, execution+"-") {
			out = append(out, id)
		}
	}
	return out
}

func (s *shelf) job(wf *workflow.Workflow) Job {
	job := jobOf(wf)
	job.Keep = s.Keep
	job.File = func(ctx context.Context, id string) ([]byte, error) { return s.Read(ctx, testOwner, id) }
	return job
}

func file(fill byte, size int) *workflow.Binary {
	return &workflow.Binary{Data: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, size)), MimeType: "a/b", FileName: string(fill)}
}

// files makes a small and a large file, and the large one once more; weigh
// tells how large the files of its input are.
func fileTypes() []*node.Type {
	return []*node.Type{
		fakeType("files", func(context.Context, *node.Call) (node.Output, error) {
			return node.Items([]workflow.Item{{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{
				"small": file('s', maxInline), "large": file('l', maxInline+1), "again": file('l', maxInline+1)}}}), nil
		}),
		fakeType("weigh", func(_ context.Context, c *node.Call) (node.Output, error) {
			items := append([]workflow.Item(nil), c.Items()...)
			for i, item := range items {
				items[i].JSON = &workflow.Object{}
				for name, b := range item.Binary {
					data, err := node.Content(b)
					if err != nil {
						return node.Output{}, err
					}
					items[i].JSON.Set(name, float64(len(data)))
				}
			}
			return node.Items(items), nil
		}),
	}
}

func fileWorkflow() *workflow.Workflow {
	return document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Files"}}}, step{name: "Files", typ: "files", to: [][]string{{"Pass"}}},
		step{name: "Pass", typ: "pass", to: [][]string{{"Weigh"}}}, step{name: "Weigh", typ: "weigh"})
}

// TestLargeFilesAreKeptApart computes an execution twice: its large files are
// written once, and nodes read them as if they were in the items.
func TestLargeFilesAreKeptApart(t *testing.T) {
	t.Parallel()
	s := newShelf()
	e := New(Options{Registry: fakeTypes(fileTypes()...)})
	for range 2 {
		o := e.Run(t.Context(), s.job(fileWorkflow()))
		if o.Status != workflow.StatusSuccess {
			t.Fatalf("%s %+v %v", o.Status, o.Error, o.Err)
		}
		for _, name := range []string{"Files", "Pass", "Weigh"} {
			got := o.RunsOf(name)[0].Main[0][0].Binary
			if b := got["small"]; b.ID != "" || b.Data == "" {
				t.Errorf("%s: the small file: id %q, %d bytes inline", name, b.ID, len(b.Data))
			}
			if b := got["large"]; b.Data != "" || !slices.Equal(s.ids("e1"), []string{b.ID}) || b.MimeType != "a/b" || b.FileName != "l" || got["again"].ID != b.ID {
				t.Errorf("%s: the large file: %+v, kept %q", name, b, s.ids("e1"))
			}
		}
		weighed := o.Result[0].JSON
		if weighed.Value("small") != float64(maxInline) || weighed.Value("large") != float64(maxInline+1) || weighed.Value("again") != float64(maxInline+1) {
			t.Errorf("weighed %v", weighed)
		}
	}
	if s.writes != 1 {
		t.Errorf("%d writes", s.writes)
	}
	job := s.job(fileWorkflow())
	job.Keep = nil
	if o := e.Run(t.Context(), job); o.RunsOf("Files")[0].Main[0][0].Binary["large"].Data == "" {
		t.Error("nothing keeps files, and the item has none")
	}
}

// TestFilesOfOtherExecutionsAreTakenOver begins with files of an execution that
// is deleted afterwards.
func TestFilesOfOtherExecutionsAreTakenOver(t *testing.T) {
	t.Parallel()
	s := newShelf()
	e := New(Options{Registry: fakeTypes(fileTypes()...)})
	first := e.Run(t.Context(), s.job(fileWorkflow()))
	job := s.job(document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Weigh"}}}, step{name: "Weigh", typ: "weigh"}))
	job.Execution.ID, job.Execution.Start.Items = "e2", first.Result
	gone := file('g', 1)
	gone.Data, gone.ID = "", store.ExecutionContent("e0", strings.Repeat("0", 64))
	o := e.Run(t.Context(), job)
	s.Forget(t.Context(), []string{"e1"})
	b := o.Result[0].Binary["large"]
	if !slices.Equal(s.ids("e2"), []string{b.ID}) || first.Result[0].Binary["large"].ID == b.ID {
		t.Errorf("%+v, kept %q", b, s.ids("e2"))
	}
	job.Execution.ID, job.Execution.Start.Items = "e3", []workflow.Item{{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{"gone": gone}}}
	if o := e.Run(t.Context(), job); o.Status != workflow.StatusError || !strings.Contains(o.Error.Message, "not there any more") {
		t.Errorf("%s %+v", o.Status, o.Error)
	}
}

func TestFilesThatAreTooMuch(t *testing.T) {
	t.Parallel()
	s := newShelf()
	e := New(Options{Registry: fakeTypes(fileTypes()...), Limits: Limits{MaxExecutionBytes: 300 << 10}})
	many := []step{{name: "T", typ: "trigger", to: [][]string{{"A"}}}, {name: "A", typ: "files", to: [][]string{{"B"}}}, {name: "B", typ: "files"}}
	if o := e.Run(t.Context(), s.job(document("v1", many...))); o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeTooLarge) || o.Error.Node != "B" {
		t.Errorf("made: %s %+v", o.Status, o.Error)
	}
	s.contents = map[string][]byte{}
	other := file('o', 1)
	other.Data, other.ID = "", store.ExecutionContent("e0", strings.Repeat("0", 64))
	s.contents[other.ID] = make([]byte, 301<<10)
	job := s.job(document("v1", step{name: "T", typ: "trigger"}))
	job.Execution.Start.Items = []workflow.Item{{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{"o": other}}}
	if o := e.Run(t.Context(), job); o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeTooLarge) || len(s.ids("e1")) != 0 {
		t.Errorf("taken over: %s %+v, kept %q", o.Status, o.Error, s.ids("e1"))
	}
}

// TestKeepingFails has the store away: the execution is to be run again, not
// failed.
func TestKeepingFails(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.failure = workflow.Errorf(workflow.CodeUnavailable, "away")
	e := New(Options{Registry: fakeTypes(fileTypes()...)})
	if o := e.Run(t.Context(), s.job(fileWorkflow())); !errors.Is(o.Err, s.failure) || o.Status != "" {
		t.Errorf("kept: %s %v", o.Status, o.Err)
	}
	s.failure = nil
	apart := e.Run(t.Context(), s.job(fileWorkflow())).Result
	s.failure = workflow.Errorf(workflow.CodeUnavailable, "away")
	job := s.job(document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Weigh"}}}, step{name: "Weigh", typ: "weigh"}))
	job.Execution.Start.Items = apart
	if o := e.Run(t.Context(), job); !errors.Is(o.Err, s.failure) || o.Status != "" {
		t.Errorf("read: %s %v", o.Status, o.Err)
	}
}

// TestFilesAnExecutionBeginsWith are apart before the execution is recorded,
// under the same idempotency key too, and go with it.
func TestFilesAnExecutionBeginsWith(t *testing.T) {
	t.Parallel()
	s := newShelf()
	st := openStore(t, filepath.Join(t.TempDir(), "t.db"))
	m := startManager(t, st, func(o *ManagerOptions) { o.Files = s }, fileTypes()...)
	wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Weigh"}}}, step{name: "Weigh", typ: "weigh"})
	keepWorkflow(t, m, wf, testClock)
	call := func(fill byte) (string, bool, error) {
		return m.Execute(t.Context(), workflow.ExecuteRequest{OwnerID: testOwner, WorkflowID: wf.ID, Mode: workflow.ModeTrigger, IdempotencyKey: "k",
			Start: workflow.Start{Items: []workflow.Item{{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{"f": file(fill, 2*maxInline)}}}}})
	}
	id, _, err := call('a')
	if err != nil {
		t.Fatal(err)
	}
	var e *workflow.Execution
	soon(t, "the execution's end", func() bool {
		e, err = st.Execution(t.Context(), testOwner, id)
		return err == nil && e.Status.Final()
	})
	if b := e.Start.Items[0].Binary["f"]; b.Data != "" || !slices.Equal(s.ids(id), []string{b.ID}) || !strings.Contains(string(e.Result), "131072") {
		t.Errorf("%s: began with %+v, kept %q, gave %s", e.Status, b, s.ids(id), e.Result)
	}
	if again, existing, err := call('a'); again != id || !existing || err != nil {
		t.Errorf("the same call: %s %v %v", again, existing, err)
	}
	if _, _, err := call('b'); workflow.CodeOf(err) != workflow.CodeConflict {
		t.Errorf("another call: %v", err)
	}
	if len(s.forgotten) != 2 || len(s.contents) != 1 {
		t.Errorf("of calls that came to nothing %d are forgotten, %d contents are left", len(s.forgotten), len(s.contents))
	}
	m.opts.Retention, m.opts.Now = 1, nil
	m.prune()
	soon(t, "contents go with their execution", func() bool { return len(s.ids(id)) == 0 })
}
