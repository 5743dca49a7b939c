package engine

import (
	"fmt"
	"time"

	"flowgate/internal/workflow"
)

// Limits bound one execution, its sub-workflows included. Zero values take
// the defaults, which are given in brackets.
type Limits struct {
	MaxNodeRuns       int           // node runs (10,000)
	MaxItems          int           // items in one node run's outputs (100,000)
	MaxItemBytes      int64         // one item (16 MiB)
	MaxNodeBytes      int64         // one node run's outputs (64 MiB)
	MaxExecutionBytes int64         // all outputs together (256 MiB)
	MaxDepth          int           // sub-workflows that call sub-workflows (16)
	NodeTimeout       time.Duration // one node run, waits not counted (5 min)
	ExecutionTimeout  time.Duration // one execution, waits not counted (1 h)
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxNodeRuns, 10_000)
	setDefault(&l.MaxItems, 100_000)
	setDefault(&l.MaxItemBytes, 16<<20)
	setDefault(&l.MaxNodeBytes, 64<<20)
	setDefault(&l.MaxExecutionBytes, 256<<20)
	setDefault(&l.MaxDepth, 16)
	setDefault(&l.NodeTimeout, 5*time.Minute)
	setDefault(&l.ExecutionTimeout, time.Hour)
	return l
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// budget counts what an execution and its sub-workflows used of the limits.
type budget struct {
	limits Limits
	runs   int
	bytes  int64
}

// outputs counts a node run's outputs and says which limit they break, nil
// when none.
func (b *budget) outputs(main [][]workflow.Item) error {
	var items int
	var total int64
	for _, out := range main {
		items += len(out)
		if items > b.limits.MaxItems {
			return tooLarge("The node gave more than %d items. Split the work into batches or filter earlier.", b.limits.MaxItems)
		}
		for i := range out {
			n := itemBytes(&out[i])
			if n > b.limits.MaxItemBytes {
				return tooLarge("Item %d holds %s; one item may hold %s.", i, sizeText(n), sizeText(b.limits.MaxItemBytes))
			}
			total += n
		}
	}
	if total > b.limits.MaxNodeBytes {
		return tooLarge("The node's output holds %s; one node run may give %s. Split the work into batches.", sizeText(total), sizeText(b.limits.MaxNodeBytes))
	}
	return b.bring(total)
}

// bring counts more data of the execution.
func (b *budget) bring(n int64) error {
	if b.bytes += n; b.bytes > b.limits.MaxExecutionBytes {
		return tooLarge("The execution's data holds more than %s. Process less at a time or drop fields that are no longer needed.", sizeText(b.limits.MaxExecutionBytes))
	}
	return nil
}

func tooLarge(format string, args ...any) error {
	return workflow.Errorf(workflow.CodeTooLarge, format, args...)
}

// itemBytes estimates the JSON size of an item without writing it.
func itemBytes(item *workflow.Item) int64 {
	n := valueBytes(item.JSON)
	for name, b := range item.Binary {
		if b != nil {
			n += int64(len(name) + len(b.Data) + len(b.MimeType) + len(b.FileName) + 64)
		}
	}
	return n
}

func valueBytes(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v)) + 2
	case []any:
		n := int64(2)
		for _, e := range v {
			n += valueBytes(e) + 1
		}
		return n
	case *workflow.Object:
		n := int64(2)
		for i := range v.Len() {
			key, value := v.At(i)
			n += int64(len(key)) + 4 + valueBytes(value)
		}
		return n
	}
	return 6 // numbers, booleans and null, near enough
}

func sizeText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
