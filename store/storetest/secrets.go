package storetest

import (
	"bytes"
	"errors"
	"sync"
)

var secretTests = map[string]func(w *world){
	"secret is made once": func(w *world) {
		value := func() ([]byte, error) { return []byte{0, 1, 255}, nil }
		never := func() ([]byte, error) { return nil, errors.New("made again") }
		for _, make := range []func() ([]byte, error){value, never} {
			got, err := w.Secret(w.Context(), "signing", make)
			if w.ok(err); !bytes.Equal(got, []byte{0, 1, 255}) {
				w.Fatalf("got %v", got)
			}
		}
		other, err := w.Secret(w.Context(), "other", func() ([]byte, error) { return []byte("x"), nil })
		if w.ok(err); string(other) != "x" {
			w.Fatalf("got %q", other)
		}
	},
	"secret that cannot be made is not stored": func(w *world) {
		broken := errors.New("no entropy")
		if _, err := w.Secret(w.Context(), "s", func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
			w.Fatalf("got %v", err)
		}
		got, err := w.Secret(w.Context(), "s", func() ([]byte, error) { return []byte("y"), nil })
		if w.ok(err); string(got) != "y" {
			w.Fatalf("got %q", got)
		}
	},
	"secret is the same for many at once": func(w *world) {
		var mu sync.Mutex
		seen := map[string]bool{}
		together(16, func(i int) {
			got, err := w.Secret(w.Context(), "s", func() ([]byte, error) { return []byte{byte(i)}, nil })
			if err != nil {
				w.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[string(got)] = true
		})
		if len(seen) != 1 {
			w.Fatalf("%d secrets", len(seen))
		}
	},
	"secret may use the store while it is made": func(w *world) {
		_, err := w.Secret(w.Context(), "outer", func() ([]byte, error) {
			return w.Secret(w.Context(), "inner", func() ([]byte, error) { return []byte("i"), nil })
		})
		w.ok(err)
	},
}
