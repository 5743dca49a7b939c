package planner

// step is one thing to be done, as read. Which fields count depends on kind.
type step struct {
	kind   string
	about  string // the words it was read from, for people
	url    string
	urls   []string
	method string
	head   []pair
	auth   string // "bearer", "basic", "header", "query"
	cond   condition
	negate bool
	pairs  []pair
	fields []string
	by     []string
	order  string
	n      float64
	last   bool
	unit   string
	until  string
	agg    string
	text   string
	code   string
	status int
	what   string // a finer kind
	to     string
	arms   []arm
	steps  []step
	slot   string // id of the question that is open
	all    bool
	raw    string // the words with tokens
}

// arm is a branch.
type arm struct {
	label string
	cond  condition
	other bool // everything else
	steps []step
}

// pair is a field and its value: a plain value, or with code an expression
// over field names.
type pair struct {
	name  string
	value any
	code  string // JavaScript; fields stand as «f:name»
}
