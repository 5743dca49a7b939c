package durable

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sleep returns nil when until is past. A longer wait suspends the run: Sleep
// returns ErrSuspended, the Func unwinds, and is called again by then.
func (r *Run) Sleep(until time.Time) error {
	for {
		if err := r.stopped(); err != nil {
			return err
		}
		left := until.Sub(r.s.rt.opts.Now())
		if left <= 0 {
			return nil
		}
		if left > r.s.rt.opts.HoldFor {
			if err := r.journal(); err != nil {
				return err
			}
			return r.suspend("", millis(until))
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-r.ctx.Done():
			t.Stop()
		}
	}
}

// Receive takes the oldest message sent to the run under topic, which must not
// be "". Without one it returns ErrNoMessage when until is past (recorded, so
// that a later message does not change it), and else suspends the run. The zero
// until waits forever. Messages sent before the run waits count, too.
func (r *Run) Receive(topic string, until time.Time) ([]byte, error) {
	if topic == "" {
		return nil, errors.New("durable: Receive needs a topic")
	}
	out, err := r.record("receive "+topic, func(context.Context) (outcome, error) {
		id, payload, err := r.s.rt.book.peek(r.ctx, r.id, topic)
		switch {
		case err != nil:
			return outcome{skip: fmt.Errorf("%w: %w", ErrInterrupted, err)}, nil
		case id != 0:
			return outcome{Data: payload, Message: id}, nil
		case r.s.rt.opts.Now().UnixMilli() >= millis(until):
			return outcome{Expired: true}, nil
		}
		return outcome{skip: r.suspend(topic, millis(until))}, nil
	})
	if err != nil {
		return nil, err
	}
	if out.Expired {
		return nil, ErrNoMessage
	}
	// Its receipt is recorded. A crash before this line comes by here again.
	if err := r.s.rt.book.take(r.ctx, out.Message); err != nil {
		return nil, r.settle(err)
	}
	return out.Data, nil
}

// suspend notes the wait; it is written down once the Func has unwound.
func (r *Run) suspend(topic string, wake int64) error {
	r.topic, r.wake = topic, wake
	r.cancel(ErrSuspended)
	return ErrSuspended
}
