package expr

// Kind says why an expression or code failed.
type Kind string

// The kinds of Error.
const (
	KindSyntax     Kind = "syntax"
	KindReference  Kind = "reference"  // no such node, or not connected
	KindUnexecuted Kind = "unexecuted" // the node has not run
	KindPairing    Kind = "pairing"    // an item cannot be traced back
	KindSecurity   Kind = "security"
	KindTimeout    Kind = "timeout"
	KindExtension  Kind = "extension" // a method of the format got a bad value
	KindMemory     Kind = "memory"    // too much memory, text, list or depth
	KindCode       Kind = "code"      // user code threw
	KindWorker     Kind = "worker"    // the process that runs code failed
)

// Error is a failure of an expression or of user code that fails the node.
// Message is for people.
type Error struct {
	Message     string
	Description string
	Kind        Kind
	Expression  string // the chunk or parameter at fault; "" for code
	Pos         int    // byte offset in the raw parameter, or the line of code; -1 when unknown
	Name        string // of the exception user code threw, e.g. "TypeError"
	Stack       string // of the exception user code threw
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// asError returns err as an *Error, wrapping it as one of kind where it is none.
func asError(err error, kind Kind) *Error {
	if e, ok := err.(*Error); ok {
		c := *e
		return &c
	}
	return &Error{Message: err.Error(), Kind: kind, Pos: -1}
}

func failure(kind Kind, message string) *Error {
	return &Error{Kind: kind, Message: message, Pos: -1}
}
