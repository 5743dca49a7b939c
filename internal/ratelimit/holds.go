package ratelimit

import "sync"

// Holds bounds what is open at once, in this process: for each holder and in
// all. Safe for concurrent use. A nil Holds bounds nothing.
type Holds struct {
	mu        sync.Mutex
	each, all int // 0: no bound
	open      map[string]int
	total     int
}

// NewHolds returns bounds for one holder and for all together; 0: none.
func NewHolds(each, all int) *Holds { return &Holds{each: each, all: all, open: map[string]int{}} }

// Set changes the bounds. What is open stays open.
func (h *Holds) Set(each, all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.each, h.all = each, all
}

// Take notes that the holder opens one more. False: it may not. Otherwise the
// caller gives it back with Give.
func (h *Holds) Take(holder string) bool {
	if h == nil {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.each > 0 && h.open[holder] >= h.each || h.all > 0 && h.total >= h.all {
		return false
	}
	h.open[holder]++
	h.total++
	return true
}

// Give notes that the holder closed one.
func (h *Holds) Give(holder string) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.total--
	if h.open[holder]--; h.open[holder] <= 0 {
		delete(h.open, holder)
	}
}
