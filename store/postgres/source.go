package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
)

// Source reads a database that another program filled, as it is at one moment.
// It changes nothing there.
type Source struct {
	conn *pgx.Conn
	tx   pgx.Tx
}

// OpenSource connects to the database at url. The caller closes it.
func OpenSource(ctx context.Context, url string) (*Source, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil { // pgx keeps the password out of it
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The address of the database is not understood; it is like postgres://user:password@host:5432/name")
	}
	cfg.RuntimeParams["application_name"] = "flowgate"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fail("connect to the database to read from", err)
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		_ = conn.Close(ctx)
		return nil, fail("begin to read the database", err)
	}
	return &Source{conn: conn, tx: tx}, nil
}

// Close ends the connection.
func (s *Source) Close(ctx context.Context) error { return s.conn.Close(ctx) }

// Columns returns the names of a table's columns, none when there is no such
// table or it may not be read. A table's name may begin with its schema.
func (s *Source) Columns(ctx context.Context, table string) ([]string, error) {
	rows, err := s.tx.Query(ctx, `SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY a.attnum`, quoted(table))
	if err != nil {
		return nil, fail("look at the table "+table, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return names, fail("look at the table "+table, err)
}

// Count returns how many rows a table has.
func (s *Source) Count(ctx context.Context, table string) (n int, err error) {
	err = s.tx.QueryRow(ctx, `SELECT count(*) FROM `+quoted(table)).Scan(&n)
	return n, fail("count the rows of "+table, err)
}

// Rows calls fn with each row of a table as a JSON object, ordered by those of
// the columns in order that the table has, nulls last. It returns fn's error.
func (s *Source) Rows(ctx context.Context, table string, order []string, fn func(row json.RawMessage) error) error {
	columns, err := s.Columns(ctx, table)
	if err != nil {
		return err
	}
	var by []string
	for _, name := range order {
		if slices.Contains(columns, name) {
			by = append(by, "t."+quoted(name))
		}
	}
	query := `SELECT to_json(t) FROM ` + quoted(table) + ` t`
	if len(by) > 0 {
		query += ` ORDER BY ` + strings.Join(by, ", ")
	}
	rows, err := s.tx.Query(ctx, query)
	if err != nil {
		return fail("read the table "+table, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(slices.Clone(rows.RawValues()[0])); err != nil {
			return err
		}
	}
	return fail("read the table "+table, rows.Err())
}

func quoted(name string) string { return pgx.Identifier(strings.Split(name, ".")).Sanitize() }
