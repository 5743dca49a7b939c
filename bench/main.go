// Bench measures the built program against bare servers of the libraries it
// stands on, on this machine and in the same minutes. Sides take turns within
// each round, and what counts is the median over the rounds of their ratios:
// absolute figures of a shared machine say little.
//
//	go run ./bench                     the table, and bench/results/latest.json
//	go run ./bench -markdown           bench/RESULTS.md too
//	go run ./bench -against ./old      another build of flowgate beside this one
//	go run ./bench -only webhook       some rows only
//	go run ./bench -soak 10m           load for a while; slopes of memory and files
//	go run ./bench -scale              lists of 1,000 rows against those of a million, on both databases
//	go run ./bench -profile cpu.out -only webhook   the server in this process, profiled
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	quick    bool
	rounds   int
	slice    time.Duration
	conns    int
	only     *regexp.Regexp
	json     string
	markdown bool
	binary   string
	against  string
	soak     time.Duration
	profile  string
	from     string

	scale                 bool
	postgres              string
	workflows, executions int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := func() error {
		if len(os.Args) > 1 && os.Args[1] == bareCommand {
			return serveBare(ctx)
		}
		o, err := parse(os.Args[1:])
		if err != nil {
			return err
		}
		return run(ctx, o)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // the deferred stop has nothing left to do
	}
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "two short rounds of everything: whether it works, not how fast")
	f.IntVar(&o.rounds, "rounds", 7, "rounds; each runs every side once")
	f.DurationVar(&o.slice, "slice", 1500*time.Millisecond, "how long a side runs in a round")
	f.IntVar(&o.conns, "conns", 16, "connections of the rows with many")
	only := f.String("only", "", "only rows whose name matches this regular expression")
	f.StringVar(&o.json, "json", "bench/results/latest.json", "write the results here; - for nowhere")
	f.BoolVar(&o.markdown, "markdown", false, "write bench/RESULTS.md too")
	f.StringVar(&o.binary, "binary", "", "measure this build of flowgate instead of building one")
	f.StringVar(&o.against, "against", "", "measure another build of flowgate, too")
	f.DurationVar(&o.soak, "soak", 0, "load the server for this long instead, and tell the slopes of memory and files")
	f.StringVar(&o.profile, "profile", "", "run the server in this process and write its CPU profile here (allocations beside it)")
	f.StringVar(&o.from, "from", "", "measure nothing: print results that were written before, and with -markdown write the table")
	f.BoolVar(&o.scale, "scale", false, "fill databases instead, and tell how long pages of lists take")
	f.StringVar(&o.postgres, "postgres", os.Getenv("FLOWGATE_TEST_POSTGRES_URL"), "PostgreSQL for -scale, as its superuser; a database is made there and removed")
	f.IntVar(&o.workflows, "workflows", 100_000, "workflows for -scale")
	f.IntVar(&o.executions, "executions", 1_000_000, "executions for -scale")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.quick {
		o.rounds, o.slice = 2, 150*time.Millisecond
	}
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}

// wants reports whether a row is to be measured.
func (o *options) wants(row string) bool { return o.only.MatchString(row) }

func run(ctx context.Context, o *options) error {
	if o.from != "" {
		return reprint(o)
	}
	if o.scale {
		return scale(ctx, o)
	}
	w, err := openWorld(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	if o.soak > 0 {
		return soak(ctx, o, w)
	}
	r := newResults(o)
	for _, part := range []func(context.Context, *options, *world, *Results) error{toolCalls, health, share, webhooks, startup, goBenchmarks} {
		if err := part(ctx, o, w, r); err != nil {
			return err
		}
	}
	r.print(os.Stdout)
	return r.write(o)
}

func reprint(o *options) error {
	data, err := os.ReadFile(o.from)
	if err != nil {
		return err
	}
	var r Results
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	r.print(os.Stdout)
	o.json = "-"
	return r.write(o)
}
