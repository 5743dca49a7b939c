package node

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"modernc.org/sqlite"

	"flowgate/internal/workflow"
)

// Bounds of a query: rows, bytes of a value, bytes of the statement.
const (
	maxSQLRows   = 100_000
	maxSQLValue  = 16 << 20
	maxSQLLength = 1 << 20
)

// The limits of SQLite that are set for a query.
const (
	limitLength   = 0
	limitSQL      = 1
	limitAttached = 7
)

var selectOnly = regexp.MustCompile(`(?is)^\s*(select|with|values)\b`)

// combineBySQL runs a query over the inputs as the tables input1, input2, …
// in an SQLite database of its own in memory, which can reach nothing else.
func (p *mergeParams) combineBySQL(ctx context.Context, c *Call) ([]workflow.Item, error) {
	text, err := p.Query.Text(ctx, 0)
	if err != nil {
		return nil, err
	}
	text = strings.TrimRight(strings.TrimSpace(text), "; \n\t")
	if !selectOnly.MatchString(text) || strings.Contains(text, ";") {
		return nil, Fail("Parameter %q must be one SELECT statement without a semicolon in it.", "query")
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a database in memory: %w", err)
	}
	defer conn.Close()
	for n := range max(len(c.Inputs), len(mergeInputs(c.Node))) {
		if err := loadTable(ctx, conn, fmt.Sprintf("input%d", n+1), c.input(n)); err != nil {
			return nil, err
		}
	}
	if err := confine(ctx, conn); err != nil {
		return nil, err
	}
	return query(ctx, conn, text, pairedToInputs(c.Inputs))
}

// confine takes from a connection what a query does not need: other files,
// writing, and endless sizes.
func confine(ctx context.Context, conn *sql.Conn) error {
	for limit, value := range map[int]int{limitAttached: 0, limitLength: maxSQLValue, limitSQL: maxSQLLength} {
		if _, err := sqlite.Limit(conn, limit, value); err != nil {
			return fmt.Errorf("limit the database: %w", err)
		}
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only=ON"); err != nil {
		return fmt.Errorf("limit the database: %w", err)
	}
	return nil
}

// pairedToInputs pairs an item with all items of all inputs.
func pairedToInputs(inputs [][]workflow.Item) *workflow.Pairing {
	all := &workflow.Pairing{Array: true}
	for n, list := range inputs {
		for i := range list {
			all.Refs = append(all.Refs, workflow.Pair{Item: i, Input: n})
		}
	}
	return all
}

func query(ctx context.Context, conn *sql.Conn, text string, paired *workflow.Pairing) ([]workflow.Item, error) {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return nil, Fail("The query failed: %v.", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, Fail("The query failed: %v.", err)
	}
	out := []workflow.Item{}
	for rows.Next() {
		if len(out) == maxSQLRows {
			return nil, Fail("The query gives more than %d rows; add a LIMIT.", maxSQLRows)
		}
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return nil, Fail("The query failed: %v.", err)
		}
		o := &workflow.Object{}
		for i, name := range columns {
			if v := fromSQL(*values[i].(*any)); v != nil {
				o.Set(name, v)
			}
		}
		out = append(out, workflow.Item{JSON: o, Paired: paired})
	}
	if err := rows.Err(); err != nil {
		return nil, Fail("The query failed: %v.", err)
	}
	return out, nil
}
