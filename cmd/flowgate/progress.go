package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
)

// progress shows how far a long command is: a line that is written over on a
// terminal, nothing elsewhere.
type progress struct {
	out   io.Writer
	shown bool
	last  time.Time
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return &progress{}
	}
	return &progress{out: out}
}

const (
	barWidth  = 30
	showEvery = 100 * time.Millisecond
)

// at shows that done of total are done; a total of 0 is not known.
func (p *progress) at(what string, done, total int) {
	if p.out == nil || done < total && time.Since(p.last) < showEvery {
		return
	}
	p.last, p.shown = time.Now(), true
	if total <= 0 {
		fmt.Fprintf(p.out, "\r\x1b[K%s %d", what, done)
		return
	}
	full := min(barWidth, barWidth*done/total)
	fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %d/%d %s", strings.Repeat("█", full), strings.Repeat(" ", barWidth-full), done, total, what)
}

// end clears the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
