// Package expr is the expression language of workflow documents: templates
// with {{ }} chunks of JavaScript, evaluated in pooled, limited VMs, with a
// fast path for plain property paths; and the runner of user code, in this
// process or in worker processes.
//
// A Pool is shared; a Session serves one execution; a Scope says which node
// run an expression stands in. Expressions run in frozen realms that sessions
// of one owner take turns with; nothing an expression does stays in them
// (js/freeze.js, js/dates.js, and crawl_test.go, which looks). What native
// functions could take without end is bounded beforehand (js/guards.js,
// rewrite.go) and the rest is watched (watch.go).
// Code runs in a realm of its own that is thrown away; in a worker process,
// which is limited as a whole, that realm holds what the code names (needs.go).
//
// js holds the realms' own sources, luxon 3.7.2 and jmespath 0.16.0 as they
// were published, and locales.json, which js/gen/locales.mjs writes.
package expr
