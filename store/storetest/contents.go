package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// RunContents runs the suite of those who keep files' content. open returns an
// empty one of its own each time; it is called from parallel tests.
func RunContents(t *testing.T, open func(t *testing.T) store.Contents) {
	for name, test := range contentTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&contents{T: t, Contents: open(t)})
		})
	}
}

// contents is one test's, with short ways to use it.
type contents struct {
	*testing.T
	store.Contents
}

// some returns n bytes that are not like each other.
func some(n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(data) // never fails
	return data
}

func (c *contents) keep(id string, data []byte) store.Written {
	c.Helper()
	w, err := c.Write(c.Context(), id, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		c.Fatalf("keep %d bytes: %v", len(data), err)
	}
	return w
}

func (c *contents) open(id string) io.ReadSeekCloser {
	c.Helper()
	r, err := c.Open(c.Context(), id)
	if err != nil {
		c.Fatalf("open %s: %v", id, err)
	}
	return r
}

func (c *contents) holds(id string, want []byte) {
	c.Helper()
	r := c.open(id)
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		c.Fatalf("%s holds %d bytes, which are others than the %d kept, or %v", id, len(got), len(want), err)
	}
}

func (c *contents) holdsNone(id string) {
	c.Helper()
	r, err := c.Open(c.Context(), id)
	if err == nil {
		_ = r.Close()
	}
	var e *workflow.Error
	if !errors.As(err, &e) || e.Code != workflow.CodeNotFound {
		c.Fatalf("%s is there: %v", id, err)
	}
}

// kept returns the ids of what was kept before t.
func (c *contents) kept(t time.Time) (ids []string) {
	c.Helper()
	err := c.List(c.Context(), t, func(some []string) error {
		ids = append(ids, some...)
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// Marked are contents that say whose they are.
type Marked interface {
	Mark(ctx context.Context) (string, error)
	SetMark(ctx context.Context, mark string) error
}

// ids are like those of files and executions.
const (
	contentA   = "019acdd5-0000-7000-8000-00000000000a"
	contentB   = "019acdd5-0000-7000-8000-00000000000b"
	executionA = "019acdd5-0000-7000-8000-00000000010a"
	executionB = "019acdd5-0000-7000-8000-00000000010b"
)

// sizes are around the bounds at which something may be done in another way.
var sizes = []int{0, 1, 511, 512, 513, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 << 20}

var contentTests = map[string]func(c *contents){
	"what is kept comes back": func(c *contents) {
		for i, size := range sizes {
			id, data := fmt.Sprintf("%s-%d", contentA, i), some(size)
			sum := sha256.Sum256(data)
			w := c.keep(id, data)
			if w.Size != int64(size) || w.SHA256 != hex.EncodeToString(sum[:]) || !bytes.Equal(w.Head, data[:min(512, size)]) {
				c.Errorf("%d bytes: found %d, %s, %d", size, w.Size, w.SHA256, len(w.Head))
			}
			c.holds(id, data)
		}
	},
	"the larger is refused, and nothing of it kept": func(c *contents) {
		for _, size := range sizes[1:] {
			_, err := c.Write(c.Context(), contentA, bytes.NewReader(some(size)), int64(size-1))
			if workflow.CodeOf(err) != workflow.CodeTooLarge {
				c.Errorf("%d bytes: %v", size, err)
			}
			c.holdsNone(contentA)
		}
	},
	"nothing is kept of what breaks off": func(c *contents) {
		broken := errors.New("the client left")
		for _, size := range sizes {
			_, err := c.Write(c.Context(), contentA, io.MultiReader(bytes.NewReader(some(size)), iotest.ErrReader(broken)), 1<<30)
			if !errors.Is(err, broken) {
				c.Errorf("after %d bytes: %v", size, err)
			}
			c.holdsNone(contentA)
		}
	},
	"nothing is kept of what is cancelled": func(c *contents) {
		for _, size := range sizes {
			ctx, cancel := context.WithCancel(c.Context())
			_, err := c.Write(ctx, contentA, io.MultiReader(bytes.NewReader(some(size)), cancelling{cancel}), 1<<30)
			if !errors.Is(err, context.Canceled) {
				c.Errorf("after %d bytes: %v", size, err)
			}
			c.holdsNone(contentA)
		}
	},
	"any part is read": func(c *contents) {
		data := some(1 << 20)
		c.keep(contentA, data)
		r := c.open(contentA)
		defer r.Close()
		if size, err := r.Seek(0, io.SeekEnd); err != nil || size != int64(len(data)) {
			c.Fatalf("size %d, %v", size, err)
		}
		for _, from := range []int64{0, 1 << 19, 100, 1<<20 - 1, 5, 5} {
			if at, err := r.Seek(from, io.SeekStart); err != nil || at != from {
				c.Fatalf("seek %d: %d, %v", from, at, err)
			}
			part := make([]byte, min(1000, int64(len(data))-from))
			if _, err := io.ReadFull(r, part); err != nil || !bytes.Equal(part, data[from:from+int64(len(part))]) {
				c.Errorf("from %d: %v", from, err)
			}
		}
		if at, err := r.Seek(-10, io.SeekCurrent); err != nil || at != 995 {
			c.Errorf("back: %d, %v", at, err)
		}
		if _, err := r.Seek(-1, io.SeekStart); err == nil {
			c.Error("before the beginning")
		}
		if _, err := r.Seek(10, io.SeekEnd); err != nil {
			c.Error(err)
		}
		if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			c.Errorf("behind the end: %d, %v", n, err)
		}
	},
	"what is deleted is gone, and the rest is not": func(c *contents) {
		c.keep(contentA, []byte("a"))
		c.keep(contentB, []byte("b"))
		for range 2 { // none there is no error
			if err := c.Delete(c.Context(), contentA); err != nil {
				c.Fatal(err)
			}
		}
		c.holdsNone(contentA)
		c.holds(contentB, []byte("b"))
	},
	"contents of an execution": func(c *contents) {
		one, other := strings.Repeat("1", 64), strings.Repeat("2", 64)
		mine := []string{store.ExecutionContent(executionA, one), store.ExecutionContent(executionA, other)}
		rest := []string{contentA, store.ExecutionContent(executionB, one)}
		for _, id := range slices.Concat(mine, rest) {
			c.keep(id, []byte(id))
			c.holds(id, []byte(id))
		}
		for range 2 { // none there is no error
			if err := c.DeleteOf(c.Context(), executionA); err != nil {
				c.Fatal(err)
			}
		}
		for _, id := range mine {
			c.holdsNone(id)
		}
		if got := c.kept(time.Now().Add(time.Minute)); !slices.Equal(got, rest) {
			c.Errorf("left are %q", got)
		}
		if err := c.Delete(c.Context(), rest[1]); err != nil {
			c.Fatal(err)
		}
		c.holdsNone(rest[1])
	},
	"what was kept before a time is listed": func(c *contents) {
		if got := c.kept(time.Now().Add(time.Minute)); len(got) != 0 {
			c.Errorf("of none: %q", got)
		}
		all := []string{contentA, contentB, store.ExecutionContent(executionB, strings.Repeat("1", 64))}
		for _, id := range all {
			c.keep(id, nil)
		}
		if got := c.kept(time.Now().Add(time.Minute)); !slices.Equal(got, all) {
			c.Errorf("all: %q", got)
		}
		if got := c.kept(time.Now().Add(-time.Minute)); len(got) != 0 {
			c.Errorf("old: %q", got)
		}
		enough := errors.New("enough")
		if err := c.List(c.Context(), time.Now().Add(time.Minute), func([]string) error { return enough }); !errors.Is(err, enough) {
			c.Errorf("ended: %v", err)
		}
	},
	"they are marked as one database's": func(c *contents) {
		m, ok := c.Contents.(Marked)
		if !ok {
			c.Fatal("cannot be marked")
		}
		for _, want := range []string{"", "one", "another"} {
			if want != "" {
				if err := m.SetMark(c.Context(), want); err != nil {
					c.Fatal(err)
				}
			}
			if got, err := m.Mark(c.Context()); err != nil || got != want {
				c.Errorf("marked %q, %v; want %q", got, err, want)
			}
		}
		if got := c.kept(time.Now().Add(time.Minute)); len(got) != 0 {
			c.Errorf("the mark is taken for content: %q", got)
		}
	},
	"only ids are names": func(c *contents) {
		for _, id := range []string{"", "..", "../../etc/passwd", "a/b/c/d", "ABCD", "x\x00yz", "a?b=cdef", "a%2fbcde", strings.Repeat("a", 129),
			strings.Repeat("A", 9) + "-" + strings.Repeat("0", 64), "-" + strings.Repeat("0", 128)} {
			_, err := c.Write(c.Context(), id, strings.NewReader("x"), 9)
			if workflow.CodeOf(err) != workflow.CodeNotFound {
				c.Errorf("%q: %v", id, err)
			}
			c.holdsNone(id)
		}
	},
	"writers of one id do not mix": func(c *contents) {
		var work sync.WaitGroup
		for i := range 4 {
			work.Go(func() {
				if _, err := c.Write(c.Context(), contentA, bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 200_000)), 1<<20); err != nil {
					c.Error(err)
				}
			})
		}
		work.Wait()
		r := c.open(contentA)
		defer r.Close()
		data, err := io.ReadAll(r)
		if err != nil || len(data) != 200_000 || !bytes.Equal(data, bytes.Repeat(data[:1], 200_000)) {
			c.Errorf("%d bytes, %v", len(data), err)
		}
	},
	"many at once": func(c *contents) {
		var work sync.WaitGroup
		for i := range 16 {
			work.Go(func() {
				id, data := fmt.Sprintf("%s-%d", contentA, i), some(50_000+i)
				if _, err := c.Write(c.Context(), id, bytes.NewReader(data), 1<<20); err != nil {
					c.Error(err)
					return
				}
				r, err := c.Open(c.Context(), id)
				if err != nil {
					c.Error(err)
					return
				}
				defer r.Close()
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
					c.Errorf("%s: %d bytes, %v", id, len(got), err)
				}
			})
		}
		work.Wait()
	},
}

// cancelling cancels when it is read, and gives a byte at a time for ever.
type cancelling struct{ cancel context.CancelFunc }

func (r cancelling) Read(p []byte) (int, error) {
	r.cancel()
	return copy(p, "x"), nil
}
