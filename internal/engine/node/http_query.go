package node

import (
	"net/url"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// escapeComponent percent-encodes all but the unreserved characters of RFC
// 3986, so that a space is %20 in queries and forms alike.
func escapeComponent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// encodeFields writes fields as a query or form text. Lists follow format
// (brackets where it is empty), objects nest as a[b]=c; null is left empty.
func encodeFields(fields []HTTPField, format string) string {
	var parts []string
	for _, f := range fields {
		parts = appendField(parts, escapeComponent(f.Name), f.Value, format)
	}
	return strings.Join(parts, "&")
}

func appendField(parts []string, name string, v any, format string) []string {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			key := name + "%5B%5D"
			switch format {
			case "repeat":
				key = name
			case "indices":
				key = name + "%5B" + strconv.Itoa(i) + "%5D"
			}
			parts = appendField(parts, key, e, format)
		}
		return parts
	case *workflow.Object:
		for i := range v.Len() {
			k, e := v.At(i)
			parts = appendField(parts, name+"%5B"+escapeComponent(k)+"%5D", e, format)
		}
		return parts
	}
	return append(parts, name+"="+escapeComponent(textOf(v)))
}

// appendQuery adds an encoded query to an address, before its fragment.
func appendQuery(address, query string) string {
	if query == "" {
		return address
	}
	address, fragment, cut := strings.Cut(address, "#")
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	address += query
	if cut {
		address += "#" + fragment
	}
	return address
}

// httpFieldsOf reads pairs from a JSON object or its text.
func httpFieldsOf(raw any, parameter string) ([]HTTPField, error) {
	switch v := parsed(raw).(type) {
	case nil:
		return nil, nil
	case *workflow.Object:
		out := make([]HTTPField, v.Len())
		for i := range out {
			out[i].Name, out[i].Value = v.At(i)
		}
		return out, nil
	case string:
		if strings.TrimSpace(v) == "" {
			return nil, nil
		}
	}
	return nil, Fail("Parameter %q must be a JSON object such as {\"name\": \"value\"}, but it is %s.", parameter, describe(raw))
}

// setHTTPField gives name a new value in place, or adds it last. Names of headers
// are compared without regard to case.
func setHTTPField(fields []HTTPField, name string, value any, fold bool) []HTTPField {
	for i := range fields {
		if fields[i].Name == name || fold && strings.EqualFold(fields[i].Name, name) {
			fields[i].Value = value
			return fields
		}
	}
	return append(fields, HTTPField{Name: name, Value: value})
}

// lastFieldWins drops pairs without a name and all but the last of one name.
func lastFieldWins(fields []HTTPField) []HTTPField {
	var out []HTTPField
	for _, f := range fields {
		if f.Name != "" {
			out = setHTTPField(out, f.Name, f.Value, false)
		}
	}
	return out
}

func fieldsObject(fields []HTTPField) *workflow.Object {
	o := &workflow.Object{}
	for _, f := range fields {
		o.Set(f.Name, f.Value)
	}
	return o
}

// parseForm reads a=b&c=d text, percent signs and plus decoded where they are
// sound.
func parseForm(text string) []HTTPField {
	var out []HTTPField
	for _, part := range strings.Split(text, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		out = append(out, HTTPField{Name: unescapeForm(k), Value: unescapeForm(v)})
	}
	return out
}

// unescapeForm decodes a name or value of a form; text that is not escaped
// soundly stays as it is.
func unescapeForm(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// escapeLoose escapes only what may not stand in a query at all, for text that
// is escaped already or was typed by hand.
func escapeLoose(query string) string {
	var b strings.Builder
	for i := 0; i < len(query); i++ {
		if c := query[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>", c) >= 0 {
			b.WriteString(escapeComponent(string([]byte{c})))
			continue
		}
		b.WriteByte(query[i])
	}
	return b.String()
}
