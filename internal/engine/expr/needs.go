package expr

import (
	"strings"
)

// needs are the parts of a realm that are only set up where they are used.
// They follow from the source alone: the same code always gets the same realm.
type needs struct {
	code           bool // the realm is for user code
	dates, methods bool
	intl           bool
	bytes, urls    bool
	generators     bool
	words          map[string]bool // all names in the code; nil: everything is set up
}

// everyName are words after which any name may be used, since they lead to
// the global object or to expressions.
var everyName = setOf("globalThis global this $evaluateExpression $parameter params")

// needsOf looks for the names of such parts in code. A name that code builds
// at run time is not found; naming it in a comment is enough. Where it is
// the name of a function that is bounded (js/guards.js), what the function
// takes is bounded by the limits of the process.
func needsOf(source string) needs {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(source, w) {
				return true
			}
		}
		return false
	}
	dates := has("DateTime", "Duration", "Interval", "$now", "$today", "luxon")
	nested := has("$evaluateExpression", "$parameter", ".params")
	n := needs{
		code:       true,
		dates:      nested || dates,
		intl:       nested || dates || has("Intl", "ocale"),
		methods:    nested,
		bytes:      has("Buffer", "Array(", "Array.", "TextEncoder", "TextDecoder", "btoa", "atob", "crypto", "helpers", "DataView"),
		urls:       has("URL"),
		generators: strings.Contains(source, "*"),
	}
	if !nested && !dates { // the date library's own use of texts and lists is bounded, too
		n.words = wordsOf(source)
	}
	return n
}

// wordsOf lists the names in a source, those in its texts and comments too;
// nil where it may use any name.
func wordsOf(source string) map[string]bool {
	if strings.Contains(source, `\u`) || strings.Contains(source, `\x`) {
		return nil
	}
	words := map[string]bool{}
	for i := 0; i < len(source); {
		if !isNamePart(source[i]) {
			i++
			continue
		}
		start := i
		for i < len(source) && isNamePart(source[i]) {
			i++
		}
		word := source[start:i]
		if everyName[word] {
			return nil
		}
		if word != "$" || i == len(source) || source[i] != '{' { // ${ is of a template
			words[word] = true
		}
	}
	return words
}

// uses reports whether the code may use a name.
func (n needs) uses(name string) bool { return n.words == nil || n.words[name] }

func (n needs) anyOf(names ...string) bool {
	for _, name := range names {
		if n.uses(name) {
			return true
		}
	}
	return false
}

// listMethods are the methods of lists that the code may use.
func (n needs) listMethods() []any {
	list := []any{}
	for _, name := range listMethods {
		if n.words[name] {
			list = append(list, name)
		}
	}
	return list
}

// listMethods are those of Array.prototype that js/guards.js bounds alike.
var listMethods = strings.Fields("at copyWithin entries every fill filter find findIndex findLast findLastIndex forEach " +
	"includes indexOf keys lastIndexOf map pop push reduce reduceRight reverse shift slice some splice toReversed " +
	"toSpliced unshift values with")

// shimNames are what js/shims.js gives code.
var shimNames = strings.Fields("console setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate " +
	"queueMicrotask performance structuredClone require fetch $helpers helpers getWorkflowStaticData process")

// guardNames are what js/guards.js bounds, besides what it does to all texts.
var guardNames = strings.Fields("concat flat flatMap join toString toLocaleString sort toSorted from repeat padStart padEnd " +
	"match matchAll replace replaceAll search split Symbol toUpperCase toLowerCase toLocaleUpperCase toLocaleLowerCase " +
	"localeCompare normalize encodeURI encodeURIComponent decodeURI decodeURIComponent escape unescape raw RegExp " +
	"constructor apply bind create setPrototypeOf groupBy")
