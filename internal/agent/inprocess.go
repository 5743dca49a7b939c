package agent

import (
	"context"
	"net"

	"google.golang.org/grpc/test/bufconn"
)

// pipeBytes is what each direction of an in-process connection buffers.
const pipeBytes = 256 << 10

// InProcess is a listener inside this process: Serve it with a Server and give
// its Dial to the client, and the embedded agent runs the code of a remote one.
//
// It is gRPC's own bufconn. The package is named for tests but is an ordinary,
// buffered net.Conn with deadlines, maintained with gRPC. net.Pipe has no
// buffer, so that each write waits for its read; a unix socket needs a file
// that others may open and that outlives a crash.
type InProcess struct{ lis *bufconn.Listener }

var _ net.Listener = (*InProcess)(nil)

// NewInProcess returns a listener. Serve closes it; a closed one is not opened
// again.
func NewInProcess() *InProcess { return &InProcess{lis: bufconn.Listen(pipeBytes)} }

// Dial connects to the listener. It ignores the target and is the client's
// Options.Dialer.
func (l *InProcess) Dial(ctx context.Context, _ string) (net.Conn, error) {
	return l.lis.DialContext(ctx)
}

// Accept waits for the next connection.
func (l *InProcess) Accept() (net.Conn, error) { return l.lis.Accept() }

// Close ends Accept and refuses further connections.
func (l *InProcess) Close() error { return l.lis.Close() }

// Addr is a name for the log.
func (l *InProcess) Addr() net.Addr { return l.lis.Addr() }
