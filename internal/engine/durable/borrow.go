package durable

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// borrow returns a handle whose connections are lent by db. The library closes
// the handle it is given; closing this one gives back what was lent and leaves
// db open. It also makes one queue of all writers of the file in this process.
func borrow(db *sql.DB) *sql.DB {
	lent := sql.OpenDB(lender{db})
	lent.SetMaxIdleConns(-1) // give back after each use
	return lent
}

type lender struct{ db *sql.DB }

func (l lender) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := l.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &lentConn{conn: c}, nil
}

func (l lender) Driver() driver.Driver { return l.db.Driver() }

// querier is what *sql.Conn and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// lentConn is a driver connection on top of a *sql.Conn. database/sql uses a
// connection from one goroutine at a time.
type lentConn struct {
	conn *sql.Conn
	tx   *sql.Tx
}

func (c *lentConn) q() querier {
	if c.tx != nil {
		return c.tx
	}
	return c.conn
}

func (c *lentConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("durable: lent connections do not prepare")
}

func (c *lentConn) Close() error {
	if c.tx != nil {
		_ = c.tx.Rollback()
	}
	return c.conn.Close()
}

func (c *lentConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx begins as the lender's DSN says (_txlock).
func (c *lentConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.IsolationLevel(opts.Isolation), ReadOnly: opts.ReadOnly})
	if err != nil {
		return nil, err
	}
	c.tx = tx
	return lentTx{c}, nil
}

func (c *lentConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.q().ExecContext(ctx, query, values(args)...)
}

func (c *lentConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.q().QueryContext(ctx, query, values(args)...) //nolint:rowserrcheck // lentRows asks, as it is read
	if err != nil {
		return nil, err
	}
	cols, err := rows.Columns()
	if err != nil {
		return nil, errors.Join(err, rows.Close()) //nolint:sqlclosecheck // else lentRows closes them, when its reader does
	}
	return &lentRows{rows: rows, cols: cols}, nil
}

func values(args []driver.NamedValue) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a.Value
	}
	return out
}

type lentTx struct{ c *lentConn }

func (t lentTx) Commit() error {
	tx := t.c.tx
	t.c.tx = nil
	return tx.Commit()
}

func (t lentTx) Rollback() error {
	tx := t.c.tx
	t.c.tx = nil
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil // a done context rolled it back already
}

type lentRows struct {
	rows *sql.Rows
	cols []string
}

func (r *lentRows) Columns() []string { return r.cols }
func (r *lentRows) Close() error      { return r.rows.Close() }

func (r *lentRows) Next(dest []driver.Value) error {
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	into := make([]any, len(dest))
	for i := range dest {
		into[i] = (*any)(&dest[i])
	}
	return r.rows.Scan(into...)
}
