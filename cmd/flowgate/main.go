// Command flowgate is the front door of an agentic workflow platform: LLM
// clients and people build, run and watch workflows through it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: it carries out args and returns the exit code. The first
// SIGINT or SIGTERM asks for an orderly end, a second one ends at once.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	root := newRoot(&streams{in: stdin, out: stdout, err: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var quiet *silentError
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "flowgate: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "flowgate: %v\n", err)
	return exitFailed
}

// streams are the process's own.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// silentError ends the program with a code when all is said already.
type silentError struct{ code int }

func (e *silentError) Error() string { return fmt.Sprintf("exit code %d", e.code) }
