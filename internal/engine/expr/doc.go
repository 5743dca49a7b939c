// Package expr is the expression language of workflow documents: templates
// with {{ }} chunks of JavaScript, evaluated in pooled, limited VMs, with a
// fast path for plain property paths.
package expr
