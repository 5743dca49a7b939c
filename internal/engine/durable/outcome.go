package durable

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// outcome is what a step leaves in the journal.
type outcome struct {
	Data    []byte     `json:"data,omitempty"`
	Err     *StepError `json:"err,omitempty"`
	Message int64      `json:"message,omitempty"` // id of the message that Receive took
	Expired bool       `json:"expired,omitempty"` // Receive's time passed

	// skip keeps the outcome out of the journal: encoding fails with it.
	skip error
}

// unfinished is the outcome of a run's call that must leave the run as it is.
var errUnfinished = errors.New("durable: not to be recorded")

// codec is the library's serializer for all that this package stores: strings
// and outcomes. A result that is text, as nearly all are, is stored as it is
// behind one letter, so that it is held once and can be read in the database.
type codec struct{}

// Name is stored beside each value.
func (codec) Name() string { return "flowgate" }

// Encode fails for an outcome that must not be recorded, and with that keeps
// the library from recording it.
func (codec) Encode(v any) (*string, error) {
	var s string
	switch v := v.(type) {
	case nil:
		s = "z"
	case string:
		s = "s" + v
	case outcome:
		if v.skip != nil {
			return nil, v.skip
		}
		var err error
		if s, err = encodeOutcome(v); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("durable: cannot store %T", v)
	}
	return &s, nil
}

func encodeOutcome(o outcome) (string, error) {
	switch {
	case o.Err != nil || o.Message != 0 || o.Expired:
		b, err := json.Marshal(o)
		return "j" + string(b), err
	case o.Data == nil:
		return "n", nil
	case utf8.Valid(o.Data) && strings.IndexByte(string(o.Data), 0) < 0:
		return "t" + string(o.Data), nil // PostgreSQL's text takes neither NUL nor broken UTF-8
	default:
		return "b" + base64.StdEncoding.EncodeToString(o.Data), nil
	}
}

// Decode is the inverse of Encode.
func (codec) Decode(s *string) (any, error) {
	if s == nil || *s == "" || *s == "z" {
		return nil, nil
	}
	body := (*s)[1:]
	switch (*s)[0] {
	case 's':
		return body, nil
	case 'n':
		return outcome{}, nil
	case 't':
		return outcome{Data: []byte(body)}, nil
	case 'b':
		b, err := base64.StdEncoding.DecodeString(body)
		return outcome{Data: b}, err
	case 'j':
		var o outcome
		err := json.Unmarshal([]byte(body), &o)
		return o, err
	}
	return nil, fmt.Errorf("durable: stored value of unknown kind %q", (*s)[:1])
}
