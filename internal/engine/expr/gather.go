package expr

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"flowgate/internal/workflow"
)

// gather collects what code may refer to: the runs of the nodes it names, of
// all nodes where it makes names at run time, and of the others only how
// their items are paired where the code follows pairings; the document only
// where it refers to nodes or their parameters.
func gather(sc *Scope, req CodeRequest, refs references) *workRequest {
	msg := &workRequest{Code: req, Node: sc.Node, Run: sc.Run, Sources: sc.Sources}
	if n := sc.Node; n != nil && !refs.nodes {
		msg.Node = &workflow.Node{ID: n.ID, Name: n.Name, Type: n.Type, TypeVersion: n.TypeVersion, WebhookID: n.WebhookID}
	}
	d := sc.Data
	if d == nil {
		return msg
	}
	msg.Info, msg.Clock = d.Info(), d.Now()
	if loc := d.Location(); loc != nil {
		msg.Zone = loc.String()
	}
	if r := d.Rand(); r != nil {
		msg.Seed = [2]uint64{r.Uint64(), r.Uint64()}
	}
	if refs.nodes {
		msg.Document = d.Document()
	}
	if msg.Document != nil {
		msg.States = map[string]*workflow.Object{}
		msg.Runs = map[string][]workflow.NodeRun{}
		for i := range msg.Document.Nodes {
			msg.add(d, msg.Document.Nodes[i].Name, refs)
		}
	}
	if refs.files {
		msg.fill(sc.Files)
	}
	if refs.static {
		name := ""
		if sc.Node != nil {
			name = sc.Node.Name
		}
		msg.Static = map[string]*workflow.Object{"global": d.StaticData("global", name), "node": d.StaticData("node", name)}
	}
	return msg
}

func (m *workRequest) add(d RunData, name string, refs references) {
	if refs.states {
		if st := d.NodeState(name); st != nil {
			m.States[name] = st
		}
	}
	named := refs.all || refs.names[name]
	if !named && !refs.pairs {
		return
	}
	runs := d.Runs(name)
	if len(runs) == 0 {
		return
	}
	if !named {
		runs = pairsOnly(runs)
	}
	m.Runs[name] = runs
}

// fill puts contents that are kept apart into the items that are sent. One
// that cannot be read stays away.
func (m *workRequest) fill(files workflow.BinarySource) {
	if files == nil {
		return
	}
	m.Code.Items = filled(m.Code.Items, files)
	for name, runs := range m.Runs {
		runs = slices.Clone(runs)
		for i := range runs {
			runs[i].Main = slices.Clone(runs[i].Main)
			for o, items := range runs[i].Main {
				runs[i].Main[o] = filled(items, files)
			}
		}
		m.Runs[name] = runs
	}
}

func filled(items []workflow.Item, files workflow.BinarySource) []workflow.Item {
	out, copied := items, false
	for i := range items {
		own := maps.Clone(items[i].Binary)
		changed := false
		for name, b := range own {
			if b == nil || b.Data != "" || b.ID == "" {
				continue
			}
			data, err := files.Content(b.ID)
			if err != nil {
				continue
			}
			whole := *b
			whole.Data = base64.StdEncoding.EncodeToString(data)
			own[name], changed = &whole, true
		}
		if !changed {
			continue
		}
		if !copied {
			out, copied = slices.Clone(items), true
		}
		out[i].Binary = own
	}
	return out
}

// pairsOnly leaves of runs what a walk back through pairings needs.
func pairsOnly(runs []workflow.NodeRun) []workflow.NodeRun {
	out := make([]workflow.NodeRun, len(runs))
	for i, r := range runs {
		out[i] = workflow.NodeRun{Node: r.Node, Run: r.Run, Source: r.Source, Main: make([][]workflow.Item, len(r.Main))}
		for o, list := range r.Main {
			out[i].Main[o] = make([]workflow.Item, len(list))
			for k := range list {
				out[i].Main[o][k].Paired = list[k].Paired
			}
		}
	}
	return out
}

// references are what code refers to besides its input.
type references struct {
	names  map[string]bool
	all    bool // names are made at run time
	pairs  bool
	states bool
	static bool
	nodes  bool // anything of the document
	files  bool // contents of files
}

var (
	literalReference = regexp.MustCompile("\\$(?:items)?\\(\\s*(?:\"([^\"\\\\\n]*)\"|'([^'\\\\\n]*)'|`([^`\\\\$\n]*)`)\\s*[,)]")
	legacyReference  = regexp.MustCompile(`\$node(?:\[\s*(?:"([^"\\\n]*)"|'([^'\\\n]*)')\s*\]|\.([A-Za-z_$][\w$]*))`)
	anyReference     = regexp.MustCompile(`\$(?:items)?\(|\$node\b|\$item\(`)
)

// codeReferences scans code for the nodes it names.
func codeReferences(source string) references {
	r := references{names: map[string]bool{}}
	found := 0
	for _, re := range []*regexp.Regexp{literalReference, legacyReference} {
		for _, m := range re.FindAllStringSubmatch(source, -1) {
			r.names[m[1]+m[2]+m[3]] = true
			found++
		}
	}
	// Text in comments counts too: at worst more is sent than needed.
	plain := strings.Count(source, "$items()")
	r.all = len(anyReference.FindAllString(source, -1))-plain > found || strings.Contains(source, "$evaluateExpression") ||
		strings.Contains(source, "globalThis[")
	r.pairs = found > 0 || r.all
	if r.pairs && !strings.Contains(source, ".item") && !strings.Contains(source, "pairedItem") && !r.all {
		r.pairs = false
	}
	r.states = strings.Contains(source, "context")
	r.static = strings.Contains(source, "taticData")
	r.files = r.all || strings.Contains(source, "inary")
	words := needs{words: wordsOf(source)}
	r.nodes = r.all || found > 0 || words.anyOf("$", "$node", "$items", "$item", "params", "context")
	return r
}

// referenceCache keeps what was found in sources. It is safe for concurrent use.
type referenceCache struct {
	mu    sync.Mutex
	found map[string]references
}

func (c *referenceCache) get(source string) references {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.found[source]
	if !ok {
		if c.found == nil {
			c.found = map[string]references{}
		}
		if len(c.found) >= maxCodes {
			dropSome(c.found)
		}
		r = codeReferences(source)
		c.found[source] = r
	}
	return r
}

// settle applies a reply to the scope's static data and returns its result.
func (r *workReply) settle(sc *Scope) (CodeResult, error) {
	out := CodeResult{Undefined: r.Undefined, Console: r.Console}
	if r.Error != nil {
		return out, r.Error
	}
	if sc.Data != nil {
		name := ""
		if sc.Node != nil {
			name = sc.Node.Name
		}
		for scope, changed := range r.Static {
			if data := sc.Data.StaticData(scope, name); data != nil {
				replace(data, changed)
			}
		}
		if custom := sc.Data.Info().CustomData; custom != nil {
			replace(custom, r.Custom)
		}
	}
	if r.Undefined || len(r.Value) == 0 {
		return out, nil
	}
	var err error
	out.Value, err = workflow.DecodeJSON(r.Value)
	return out, err
}

// replace makes data hold what changed holds, in place.
func replace(data, changed *workflow.Object) {
	if changed == nil || data == changed {
		return
	}
	for _, k := range append([]string(nil), data.Keys()...) {
		if _, kept := changed.Get(k); !kept {
			data.Delete(k)
		}
	}
	for i := range changed.Len() {
		data.Set(changed.At(i))
	}
}
