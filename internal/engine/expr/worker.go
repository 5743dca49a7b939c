package expr

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"flowgate/internal/workflow"
)

// maxFrame bounds one message between a worker and its owner.
const maxFrame = 256 << 20

// workerSetup is the first message to a worker.
type workerSetup struct {
	Options Options `json:"options"`
	Memory  uint64  `json:"memory"` // bytes of address space beyond what it starts with
}

// workRequest is one run of code with the run data it may refer to.
type workRequest struct {
	Code     CodeRequest
	Node     *workflow.Node
	Run      int
	Sources  []*workflow.Source
	Document *workflow.Document
	Info     ExecutionInfo
	Clock    time.Time
	Zone     string
	Seed     [2]uint64
	Runs     map[string][]workflow.NodeRun
	States   map[string]*workflow.Object
	Static   map[string]*workflow.Object // by scope
}

// workReply is what came of it.
type workReply struct {
	Value     json.RawMessage
	Undefined bool
	Console   []string
	Static    map[string]*workflow.Object
	Custom    *workflow.Object
	Error     *Error
}

// ServeWorker runs code for its owner until in ends: the body of the
// subcommand that a WorkerPool starts. It limits its own process first.
func ServeWorker(in io.Reader, out io.Writer) error {
	time.Local = time.UTC // code sees the same zone wherever it runs
	r := bufio.NewReader(in)
	var setup workerSetup
	if err := readFrame(r, &setup); err != nil {
		return fmt.Errorf("reading the setup: %w", err)
	}
	if err := limitProcess(setup.Memory); err != nil {
		return fmt.Errorf("limiting the process: %w", err)
	}
	pool := NewPool(setup.Options)
	defer pool.Close()
	pool.confined = true
	if err := writeFrame(out, workReply{}); err != nil {
		return err
	}
	pool.rehearse()
	for {
		var req workRequest
		if err := readFrame(r, &req); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		allowCPU(pool.opts.CodeTimeout)
		if err := writeFrame(out, pool.work(&req)); err != nil {
			return err
		}
	}
}

// rehearse compiles what most code needs before any comes.
func (p *Pool) rehearse() {
	_, _ = newCodeVM(p, needsOf("$input $ console Object JSON split"))
}

// work runs one request.
func (p *Pool) work(req *workRequest) workReply {
	data := &sentData{req: req, rand: rand.New(rand.NewPCG(req.Seed[0], req.Seed[1])), zone: zone(req.Zone)}
	sc := &Scope{Node: req.Node, Run: req.Run, Inputs: [][]workflow.Item{req.Code.Items},
		Sources: req.Sources, Data: data}
	s := p.Session()
	defer s.Close()
	res, err := s.Code(context.Background(), sc, req.Code)
	reply := workReply{Undefined: res.Undefined, Console: res.Console, Static: req.Static, Custom: req.Info.CustomData}
	if err == nil {
		reply.Value, err = workflow.AppendJSON(nil, res.Value)
	}
	if err != nil {
		reply.Error = asError(err, KindCode)
	}
	return reply
}

// sentData is the run data that came with a request.
type sentData struct {
	req  *workRequest
	rand *rand.Rand
	zone *time.Location
}

var _ RunData = (*sentData)(nil)

func (d *sentData) Runs(node string) []workflow.NodeRun    { return d.req.Runs[node] }
func (d *sentData) Document() *workflow.Document           { return d.req.Document }
func (d *sentData) Info() ExecutionInfo                    { return d.req.Info }
func (d *sentData) Now() time.Time                         { return d.req.Clock }
func (d *sentData) Location() *time.Location               { return d.zone }
func (d *sentData) Rand() *rand.Rand                       { return d.rand }
func (d *sentData) NodeState(node string) *workflow.Object { return d.req.States[node] }

func (d *sentData) StaticData(scope, _ string) *workflow.Object {
	if d.req.Static == nil {
		d.req.Static = map[string]*workflow.Object{}
	}
	if d.req.Static[scope] == nil {
		d.req.Static[scope] = &workflow.Object{}
	}
	return d.req.Static[scope]
}

func writeFrame(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(data) > maxFrame {
		return failure(KindMemory, "the data of the code is too large")
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(data)), uint32(len(data)))
	_, err = w.Write(append(frame, data...))
	return err
}

func readFrame(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("a message of %d bytes is too long", n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return io.ErrUnexpectedEOF
	}
	return json.Unmarshal(data, v)
}
