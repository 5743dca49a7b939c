package node

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// matchTimeout bounds one match of a user's regular expression.
const matchTimeout = time.Second

// delimited is a regular expression written as /pattern/flags.
var delimited = regexp.MustCompile(`(?s)^/(.*)/([a-z]*)$`)

// compilePattern compiles a JavaScript regular expression, bare or delimited.
func compilePattern(text string) (*regexp2.Regexp, string, error) {
	pattern, flags := text, ""
	if m := delimited.FindStringSubmatch(text); m != nil {
		pattern, flags = m[1], m[2]
	}
	var opts []regexp2.CompileOption
	mode := regexp2.ECMAScript
	if strings.Contains(flags, "i") {
		mode |= regexp2.IgnoreCase
	}
	if strings.Contains(flags, "m") {
		mode |= regexp2.Multiline
	}
	if strings.Contains(flags, "s") {
		mode |= regexp2.Singleline
	}
	if strings.Contains(flags, "u") {
		mode |= regexp2.Unicode
	}
	opts = append(opts, mode)
	re, err := regexp2.Compile(pattern, opts...)
	if err != nil {
		return nil, "", Fail("%q is no regular expression: %v.", clip(text, 80), err)
	}
	re.MatchTimeout = matchTimeout
	return re, flags, nil
}

// matches reports whether a pattern is found in text.
func matches(pattern, text string) (bool, error) {
	re, _, err := compilePattern(pattern)
	if err != nil {
		return false, err
	}
	ok, err := re.MatchString(text)
	if err != nil {
		return false, Fail("The regular expression %q took too long on the text.", clip(pattern, 80))
	}
	return ok, nil
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
