package expr

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"flowgate/internal/workflow"
)

// locales are how dates and numbers read in the known locales. They are
// decoded when first asked for and shared by all VMs of a pool.
type locales struct {
	mu      sync.Mutex
	raw     map[string]json.RawMessage
	decoded map[string]*workflow.Object
}

func (l *locales) get(tag string) *workflow.Object {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.load()
	if o := l.decoded[tag]; o != nil {
		return o
	}
	o := &workflow.Object{}
	if raw, ok := l.raw[tag]; ok {
		_ = o.UnmarshalJSON(raw)
		l.decoded[tag] = o
	}
	return o
}

func (l *locales) load() {
	if l.raw != nil {
		return
	}
	l.raw, l.decoded = map[string]json.RawMessage{}, map[string]*workflow.Object{}
	if data, err := sources.ReadFile("js/locales.json"); err == nil {
		_ = json.Unmarshal(data, &l.raw)
	}
}

// base is the known locale that stands for tag: itself, one of its language,
// or American English.
func (l *locales) base(tag string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.load()
	if _, ok := l.raw[tag]; ok {
		return tag
	}
	lang, _, _ := strings.Cut(tag, "-")
	if lang == "en" {
		return "en-US"
	}
	usual := lang + "-" + strings.ToUpper(lang)
	if _, ok := l.raw[usual]; ok {
		return usual
	}
	found := "en-US"
	for known := range l.raw {
		if strings.HasPrefix(known, lang+"-") && (found == "en-US" || known < found) {
			found = known
		}
	}
	return found
}

var localeForm = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func (v *vm) localeNatives(o *lazyFunctions) {
	known := v.pool.libs.locales
	o.add(map[string]func(a args) goja.Value{
		"locale":     func(a args) goja.Value { return v.object(known.get(a.text(0))) },
		"localeBase": func(a args) goja.Value { return v.rt.ToValue(known.base(a.text(0))) },
		"localeTag": func(a args) goja.Value {
			tag, ok := canonical(a.text(0))
			if !ok {
				return goja.Null()
			}
			return v.rt.ToValue(tag)
		},
		"plural": func(a args) goja.Value { return v.rt.ToValue(pluralForm(a.text(0), a.text(1), a.text(2))) },
		"fixed": func(a args) goja.Value {
			return v.rt.ToValue(fixed(a.at(0).ToFloat(), a.int(1), a.int(2)))
		},
		"significant": func(a args) goja.Value {
			return v.rt.ToValue(significant(a.at(0).ToFloat(), a.int(1), a.int(2)))
		},
		"dateText": func(a args) goja.Value {
			t := time.UnixMilli(a.at(0).ToInteger()).Local()
			text := t.Format("15:04:05 GMT-0700") + " (" + zoneLabel(t, "long") + ")"
			if a.bool(1) {
				text = t.Format("Mon Jan 02 2006 ") + text
			}
			return v.rt.ToValue(text)
		},
	})
}

// canonical writes a language tag in its usual case, without extensions.
func canonical(tag string) (string, bool) {
	tag = strings.ReplaceAll(tag, "_", "-")
	if !localeForm.MatchString(tag) {
		return "", false
	}
	if i := strings.Index(strings.ToLower(tag), "-u-"); i >= 0 {
		tag = tag[:i]
	}
	parts := strings.Split(tag, "-")
	for i, p := range parts {
		switch {
		case i == 0:
			parts[i] = strings.ToLower(p)
		case len(p) == 2:
			parts[i] = strings.ToUpper(p)
		case len(p) == 4:
			parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		}
	}
	return strings.Join(parts, "-"), true
}

func pluralForm(tag, number, kind string) string {
	rules := plural.Cardinal
	if kind == "ordinal" {
		rules = plural.Ordinal
	}
	f, err := strconv.ParseFloat(strings.NewReplacer(",", "", "\u00a0", "", "\u202f", "").Replace(number), 64)
	if err != nil {
		return "other"
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	i, _ := strconv.Atoi(whole[max(0, len(whole)-9):])
	fr, _ := strconv.Atoi("0" + fraction)
	form := rules.MatchPlural(language.Make(tag), i, len(fraction), len(fraction), fr, fr)
	return [...]string{"other", "zero", "one", "two", "few", "many"}[form]
}

// fixed writes x with between least and most decimals, halves away from zero.
func fixed(x float64, least, most int) string {
	return trimZeros(roundHalfUp(x, most), least)
}

// significant writes x with between least and most significant digits.
func significant(x float64, least, most int) string {
	if x == 0 {
		return trimZeros(roundHalfUp(0, max(0, least-1)), max(0, least-1))
	}
	exp := strconv.FormatFloat(x, 'e', -1, 64)
	power, _ := strconv.Atoi(exp[strings.IndexByte(exp, 'e')+1:])
	return trimZeros(roundHalfUp(x, most-1-power), max(0, least-1-power))
}

// roundHalfUp rounds the shortest decimal form of x, as people read it.
func roundHalfUp(x float64, places int) string {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(x, 'f', -1, 64))
	if !ok {
		return "0"
	}
	if places >= 0 {
		return r.FloatString(min(places, 100))
	}
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(min(-places, 400))), nil))
	n, _ := new(big.Rat).SetString(new(big.Rat).Quo(r, unit).FloatString(0))
	return new(big.Rat).Mul(n, unit).FloatString(0)
}

func trimZeros(s string, least int) string {
	i := strings.IndexByte(s, '.')
	if i < 0 {
		if least > 0 {
			return s + "." + strings.Repeat("0", least)
		}
		return s
	}
	for len(s)-i-1 > least && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return strings.TrimSuffix(s, ".")
}
