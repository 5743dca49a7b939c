package mcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

type line struct {
	text []byte
	err  error
}

// read takes messages until in or ctx ends.
func (c *stdioConn) read(ctx, calls context.Context, in io.Reader, limit int64) error {
	lines := make(chan line)
	go func() { // ends with in, or after the Read it is in when ctx ends
		defer close(lines)
		r := bufio.NewReaderSize(in, 64<<10)
		for {
			text, err := readLine(r, limit)
			select {
			case lines <- line{text, err}:
			case <-ctx.Done():
				return
			}
			if err != nil && !errors.Is(err, errLineTooLong) {
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-lines:
			switch {
			case errors.Is(l.err, errLineTooLong):
				c.write((&rpcError{Code: rpcTooLarge, Message: fmt.Sprintf("the message is larger than %d bytes", limit)}).encode(nil))
			case errors.Is(l.err, io.EOF):
				c.handle(calls, l.text)
				return nil
			case l.err != nil:
				return fmt.Errorf("read a message: %w", l.err)
			default:
				c.handle(calls, l.text)
			}
		}
	}
}

var errLineTooLong = errors.New("line too long")

// readLine returns the next line without its end. A line longer than limit is
// skipped whole.
func readLine(r *bufio.Reader, limit int64) ([]byte, error) {
	var text []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || int64(len(text)+len(part)) > limit; !long {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && (err == nil || errors.Is(err, io.EOF)):
			return nil, errLineTooLong
		}
		return text, err
	}
}
