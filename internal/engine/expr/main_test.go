package expr

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets the test binary stand for the binary whose subcommand a
// WorkerPool starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "code-worker" {
		if err := ServeWorker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
