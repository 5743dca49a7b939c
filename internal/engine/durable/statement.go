package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// sql renders a statement for the backend: %table and $n.
func (b *book) sql(query string) string {
	if b.lite != nil {
		return strings.ReplaceAll(strings.ReplaceAll(query, "%", ""), "$", "?")
	}
	return strings.ReplaceAll(query, "%", schema+".")
}

func (b *book) list(n int) string {
	if b.lite != nil {
		return fmt.Sprintf("(SELECT value FROM json_each($%d))", n)
	}
	return fmt.Sprintf("(SELECT unnest($%d::text[]))", n)
}

func (b *book) array(ids []string) any {
	if b.lite == nil {
		return ids
	}
	j, _ := json.Marshal(ids) // strings always encode
	return string(j)
}

func (b *book) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if b.lite != nil {
		res, err := b.lite.ExecContext(ctx, b.sql(query), args...)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}
	tag, err := b.pg.Exec(ctx, b.sql(query), args...)
	return tag.RowsAffected(), err
}

func (b *book) query(ctx context.Context, each func(scan func(...any) error) error, query string, args ...any) error {
	if b.lite == nil {
		rows, err := b.pg.Query(ctx, b.sql(query), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	rows, err := b.lite.QueryContext(ctx, b.sql(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (b *book) strings(ctx context.Context, query string, args ...any) ([]string, error) {
	var out []string
	err := b.query(ctx, func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		out = append(out, s)
		return err
	}, query, args...)
	return out, err
}
