package node

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"flowgate/internal/workflow"
)

const (
	opSeenBefore   = "removeItemsSeenInPreviousExecutions"
	opClearHistory = "clearDeduplicationHistory"

	seenKeys, seenNumber, seenDate = "removeItemsWithAlreadySeenKeyValues", "removeItemsUpToStoredIncrementalKey", "removeItemsUpToStoredDate"

	maxHistory = 100_000
)

// duplicatesOutputs are one for what is kept, and one for what is not where
// that is told by earlier executions.
func duplicatesOutputs(n *workflow.Node) []workflow.Port {
	if textOf(n.Parameters.Value("operation")) == opSeenBefore {
		return mainPorts("kept", "discarded")
	}
	return mainPorts("output")
}

// history is what earlier executions saw: static data of the node's, or of the
// workflow's, and so kept by production executions of active workflows only.
func (p *duplicatesParams) history(c *Call) *workflow.Object {
	if p.Options.Scope != "workflow" {
		return c.Host.StaticData("node")
	}
	all := c.Host.StaticData("global")
	own, ok := all.Value("removeDuplicates").(*workflow.Object)
	if !ok {
		own = &workflow.Object{}
		all.Set("removeDuplicates", own)
	}
	return own
}

func (p *duplicatesParams) clearHistory(c *Call) {
	h := p.history(c)
	for _, key := range []string{"keys", "number", "date"} {
		h.Delete(key)
	}
}

// unseen splits items into those that are new since earlier executions and the
// others, and notes what it saw. Items of one execution do not count against
// each other.
func (p *duplicatesParams) unseen(ctx context.Context, c *Call) (Output, error) {
	var fresh func(i int) (bool, error)
	var note func()
	switch h := p.history(c); p.Logic {
	case seenNumber:
		fresh, note = latest(h, "number", func(i int) (float64, error) {
			v, err := p.IncrementalValue.At(ctx, i)
			if err != nil {
				return 0, err
			}
			f, ok := numberOf(v)
			if !ok {
				return 0, badType("incrementalDedupeValue", v, "a number")
			}
			return f, nil
		})
	case seenDate:
		fresh, note = latest(h, "date", func(i int) (float64, error) {
			v, err := p.DateValue.At(ctx, i)
			if err != nil {
				return 0, err
			}
			t, ok := parseDate(v, c.zone())
			if !ok {
				return 0, badType("dateDedupeValue", v, "a date")
			}
			return float64(t.UnixMilli()), nil
		})
	default:
		fresh, note = p.keys(ctx, h)
	}
	out := Output{Main: [][]workflow.Item{{}, {}}}
	for i, item := range passed(c.Items()) {
		isNew, err := fresh(i)
		if err != nil {
			return Output{}, AtItem(err, i)
		}
		to := 1
		if isNew {
			to = 0
		}
		out.Main[to] = append(out.Main[to], item)
	}
	note()
	return out, nil
}

// keys holds what is new against the newest keys that were seen.
func (p *duplicatesParams) keys(ctx context.Context, h *workflow.Object) (fresh func(int) (bool, error), note func()) {
	list, _ := h.Value("keys").([]any)
	before, now := map[any]bool{}, slices.Clone(list)
	for _, key := range list {
		before[key] = true
	}
	added := map[any]bool{}
	fresh = func(i int) (bool, error) {
		text, err := p.DedupeValue.Text(ctx, i)
		if err != nil {
			return false, err
		}
		sum := sha256.Sum256([]byte(text))
		key := base64.RawStdEncoding.EncodeToString(sum[:12])
		if !before[key] && !added[key] {
			added[key] = true
			now = append(now, key)
		}
		return !before[key], nil
	}
	return fresh, func() {
		size := min(max(p.Options.HistorySize, 1), maxHistory)
		h.Set("keys", now[max(0, len(now)-size):])
	}
}

// latest holds what is new against the greatest value that was seen.
func latest(h *workflow.Object, name string, value func(i int) (float64, error)) (fresh func(int) (bool, error), note func()) {
	before, known := h.Value(name).(float64)
	top, any := before, known
	fresh = func(i int) (bool, error) {
		f, err := value(i)
		if err != nil {
			return false, err
		}
		if !any || f > top {
			top, any = f, true
		}
		return !known || f > before, nil
	}
	return fresh, func() {
		if any {
			h.Set(name, top)
		}
	}
}
