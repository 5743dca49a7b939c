package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func (w *world) file(owner, name string, size int64) *store.File {
	w.Helper()
	f := &store.File{ID: w.id("f"), OwnerID: owner, Name: name, MimeType: "text/plain", Size: size, SHA256: strings.Repeat("0", 64),
		CreatedAt: epoch().Add(time.Duration(w.n) * time.Second)}
	w.ok(w.CreateFile(w.Context(), f, store.FileQuota{}))
	return f
}

var fileTests = map[string]func(w *world){
	"file round trip": func(w *world) {
		f := w.file(ada, "Grüße '1'.txt", 5<<32)
		got, err := w.File(w.Context(), ada, f.ID)
		w.ok(err)
		w.same("file", got, f)
		for _, wrong := range [][2]string{{bob, f.ID}, {ada, "none"}, {"", f.ID}} {
			_, err := w.File(w.Context(), wrong[0], wrong[1])
			w.code(workflow.CodeNotFound, err)
			w.code(workflow.CodeNotFound, w.DeleteFile(w.Context(), wrong[0], wrong[1]))
		}
		w.ok(w.DeleteFile(w.Context(), ada, f.ID))
		w.code(workflow.CodeNotFound, w.DeleteFile(w.Context(), ada, f.ID))
	},
	"files are listed by name and page": func(w *world) {
		var want []string
		for i := range 7 {
			f := w.file(ada, fmt.Sprintf("Report %d%%_.csv", i), 1)
			want = append(want, f.ID)
		}
		w.file(ada, "other", 1)
		w.file(bob, "Report of Bob's", 1)
		slices.Reverse(want)
		var got []string
		p := store.Page{Limit: 3}
		for {
			list, next, err := w.ListFiles(w.Context(), ada, "rEPORT", p)
			w.ok(err)
			for _, f := range list {
				got = append(got, f.ID)
			}
			if p.Cursor = next; next == "" {
				break
			}
		}
		w.same("ids", got, want)
		list, _, err := w.ListFiles(w.Context(), ada, "%_", store.Page{})
		w.ok(err)
		if len(list) != 7 {
			w.Fatalf("%d files have %%_ in their names", len(list))
		}
		_, _, err = w.ListFiles(w.Context(), ada, "", store.Page{Cursor: "nonsense"})
		w.code(workflow.CodeInvalid, err)
	},
	"contents of files and executions are known": func(w *world) {
		f, e := w.file(ada, "kept", 1), w.execution(w.workflow(bob))
		gone := w.file(ada, "gone", 1)
		w.ok(w.DeleteFile(w.Context(), ada, gone.ID))
		got, err := w.KnownContents(w.Context(), []string{f.ID, e.ID, gone.ID, "none"})
		w.ok(err)
		slices.Sort(got)
		want := []string{f.ID, e.ID}
		slices.Sort(want)
		w.same("known", got, want)
		none, err := w.KnownContents(w.Context(), nil)
		w.ok(err)
		w.same("of none", len(none), 0)
	},
	"quota holds for many at once": func(w *world) {
		quota := store.FileQuota{Bytes: 100, Count: 5}
		w.file(bob, "not ada's", 1000)
		var kept atomic.Int64
		var work sync.WaitGroup
		for range 20 {
			id := w.id("f")
			work.Go(func() {
				err := w.CreateFile(w.Context(), &store.File{ID: id, OwnerID: ada, Name: "n", Size: 10}, quota)
				switch {
				case err == nil:
					kept.Add(1)
				case workflow.CodeOf(err) != workflow.CodeTooLarge:
					w.Errorf("%v", err)
				}
			})
		}
		work.Wait()
		usage, err := w.FileUsage(w.Context(), ada)
		w.ok(err)
		if kept.Load() != 5 || usage != (store.FileUsage{Bytes: 50, Count: 5}) {
			w.Fatalf("kept %d, usage %+v", kept.Load(), usage)
		}
		big := &store.File{ID: w.id("f"), OwnerID: ada, Size: 51}
		w.code(workflow.CodeTooLarge, w.CreateFile(w.Context(), big, store.FileQuota{Bytes: 100}))
		big.Size = 50
		w.ok(w.CreateFile(w.Context(), big, store.FileQuota{Bytes: 100}))
	},
	"no file is smaller than nothing": func(w *world) {
		w.file(ada, "n", 0)
		w.code(workflow.CodeInvalid, w.CreateFile(w.Context(), &store.File{ID: w.id("f"), OwnerID: ada, Size: -1 << 38}, store.FileQuota{Bytes: 100}))
		usage, err := w.FileUsage(w.Context(), ada)
		w.ok(err)
		w.same("usage", usage, store.FileUsage{Count: 1})
	},
}
