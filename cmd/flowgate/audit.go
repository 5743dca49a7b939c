package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/audit"
	"flowgate/internal/service"
	"flowgate/store"
)

// auditFlags are what the audit command is asked.
type auditFlags struct {
	since, subject, capability string
	refused, verify, asJSON    bool
	limit                      int
}

func auditCommand(o *options) *cobra.Command {
	var a auditFlags
	c := &cobra.Command{
		Use: "audit", GroupID: "manage", Short: "Show who called what, and what was refused; check that the log is as it was written", Args: cobra.NoArgs,
		Example: "  flowgate audit --since 24h --refused\n  flowgate audit --verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := a.filter(time.Now())
			if err != nil {
				return &usageError{err}
			}
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				if a.verify {
					return a.check(ctx, o, core)
				}
				return a.list(ctx, o, core, filter)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&a.since, "since", "", "not before this: a length of time such as 24h, a day such as 2026-01-31, or a time such as 2026-01-31T08:00:00Z")
	f.StringVar(&a.subject, "subject", "", "only calls of this user: an email or an id")
	f.StringVar(&a.capability, "capability", "", "only calls of this, such as delete_workflow; authenticate for failed authentications")
	f.BoolVar(&a.refused, "refused", false, "only refusals")
	f.IntVar(&a.limit, "limit", 100, "at most this many, the newest first; 0 for all")
	f.BoolVar(&a.verify, "verify", false, "compute the whole log anew and tell what was changed or is missing; exit code 1 when something is")
	f.BoolVar(&a.asJSON, "json", false, "print JSON")
	return c
}

func (a *auditFlags) filter(now time.Time) (audit.Filter, error) {
	f := audit.Filter{Capability: a.capability, Refused: a.refused}
	if a.since == "" {
		return f, nil
	}
	if d, err := time.ParseDuration(a.since); err == nil {
		f.Since = now.Add(-d)
		return f, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, a.since, time.Local); err == nil {
			f.Since = t
			return f, nil
		}
	}
	return f, fmt.Errorf("--since: %q is neither a length of time such as 24h nor a day or time such as 2026-01-31T08:00:00Z", a.since)
}

// list prints entries, newest first.
func (a *auditFlags) list(ctx context.Context, o *options, core *app.Core, f audit.Filter) error {
	subject := a.subject
	if strings.Contains(subject, "@") {
		u, err := core.Store.UserByEmail(ctx, subject)
		if err != nil {
			return err
		}
		subject = u.ID
	}
	entries := []service.AuditView{}
	for cursor := ""; ; {
		size := 500
		if a.limit > 0 {
			size = min(size, a.limit-len(entries))
		}
		list, next, err := audit.Reader{Store: core.Store}.List(ctx, subject, f, store.Page{Limit: size, Cursor: cursor})
		if err != nil {
			return err
		}
		for i := range list {
			entries = append(entries, service.ViewOfAudit(&list[i]))
		}
		if cursor = next; next == "" || a.limit > 0 && len(entries) >= a.limit {
			break
		}
	}
	if a.asJSON {
		return writeJSON(o.out, map[string]any{"entries": entries})
	}
	for i := range entries {
		if _, err := fmt.Fprintln(o.out, entries[i].Line()); err != nil {
			return err
		}
	}
	return nil
}

// check verifies the log.
func (a *auditFlags) check(ctx context.Context, o *options, core *app.Core) error {
	report, err := core.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	bad := len(report.Faults) > 0 || report.Foreign > 0
	if a.asJSON {
		err = writeJSON(o.out, report)
	} else {
		for _, f := range report.Faults {
			fmt.Fprintf(o.out, "%s entry %d: %s\n", f.Chain, f.Seq, f.Problem)
		}
		if report.Foreign > 0 {
			fmt.Fprintf(o.out, "%d chains were made under another API_SECRET_KEY and cannot be verified\n", report.Foreign)
		}
		_, err = fmt.Fprintf(o.out, "%d entries in %d chains, %d faults\n", report.Entries, report.Chains, len(report.Faults))
	}
	if err == nil && bad {
		return &silentError{exitFailed}
	}
	return err
}
