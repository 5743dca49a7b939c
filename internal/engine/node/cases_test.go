package node

import "testing"

// nodeCase is one run of a node: what it is given and what comes out.
type nodeCase struct {
	name    string
	version float64
	params  string
	inputs  []string
	want    string // outputs as JSON, see shape
	pairs   bool   // compare pairings too
	fails   bool
}

func runCases(t *testing.T, typeName string, cases []nodeCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := run(t, nil, typeName, c.version, c.params, c.inputs...)
			if c.fails {
				if err == nil {
					t.Fatalf("no error, but %s", shape(t, out, c.pairs))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wants(t, shape(t, out, c.pairs), c.want)
		})
	}
}

func one(inputs ...string) []string { return inputs }
