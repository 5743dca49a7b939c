package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Key is the definition of one configuration key.
type Key struct {
	Name    string // as in config.yaml
	Default string
	Doc     string
	Enum    []string
	Min     int64
	Max     int64
	Secret  bool
	Live    bool              // a change is taken over while the program runs
	Profile map[string]string // environment → default, where it depends on that
	Group   string            // heading in the documentation

	index int
}

// Env is the key's name in the environment; FLOWGATE_ may stand before it.
func (k Key) Env() string { return strings.ToUpper(k.Name) }

// Keys returns every key, in the order of the documentation.
func Keys() []Key {
	t := reflect.TypeFor[Config]()
	keys := make([]Key, 0, t.NumField())
	group := ""
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		tag := t.Field(i).Tag
		k := Key{Name: tag.Get("key"), Default: tag.Get("default"), Doc: tag.Get("doc"),
			Secret: tag.Get("secret") == "true", Live: tag.Get("live") == "true", index: i, Max: 1 << 62}
		if g := tag.Get("group"); g != "" {
			group = g
		}
		k.Group = group
		for _, profile := range profiles() {
			if v, ok := tag.Lookup(profile); ok {
				if k.Profile == nil {
					k.Profile = map[string]string{}
				}
				k.Profile[profile] = v
			}
		}
		if e := tag.Get("enum"); e != "" {
			k.Enum = strings.Split(e, ",")
		}
		if n, err := strconv.ParseInt(tag.Get("min"), 10, 64); err == nil {
			k.Min = n
		}
		if n, err := strconv.ParseInt(tag.Get("max"), 10, 64); err == nil {
			k.Max = n
		}
		keys = append(keys, k)
	}
	return keys
}

func profiles() []string { return []string{"development", "staging", "production"} }

// defaultIn is the key's value where nothing sets it, in that environment.
func (k Key) defaultIn(environment string) string {
	if v, ok := k.Profile[environment]; ok {
		return v
	}
	return k.Default
}

// Defaults tells the default for people.
func (k Key) Defaults() string {
	if k.Profile == nil {
		return k.Default
	}
	var parts []string
	for _, profile := range profiles() {
		if v := k.defaultIn(profile); v != "" {
			parts = append(parts, v+" in "+profile)
		}
	}
	return strings.Join(parts, ", ")
}

// Setting is a key with its value in force, for people to read.
type Setting struct {
	Key
	Value string // "(set)" for a secret
}

// Settings returns the configuration in force, secrets redacted.
func (c *Config) Settings() []Setting {
	v := reflect.ValueOf(c).Elem()
	keys := Keys()
	out := make([]Setting, 0, len(keys))
	for _, k := range keys {
		text := fmt.Sprint(v.Field(k.index).Interface())
		if list, ok := v.Field(k.index).Interface().([]string); ok {
			text = strings.Join(list, ",")
		}
		if k.Secret && text != "" {
			text = "(set)"
		}
		out = append(out, Setting{Key: k, Value: text})
	}
	return out
}

// difference names the keys whose values differ: those that are live, and
// those that wait for a restart.
func (c *Config) difference(next *Config) (live, later []string) {
	a, b := reflect.ValueOf(c).Elem(), reflect.ValueOf(next).Elem()
	for _, k := range Keys() {
		if reflect.DeepEqual(a.Field(k.index).Interface(), b.Field(k.index).Interface()) {
			continue
		}
		if k.Live {
			live = append(live, k.Name)
		} else {
			later = append(later, k.Name)
		}
	}
	return live, later
}

// with returns a copy of c with the named keys' values of next.
func (c *Config) with(next *Config, names []string) *Config {
	merged := *c
	to, from := reflect.ValueOf(&merged).Elem(), reflect.ValueOf(next).Elem()
	for _, k := range Keys() {
		if slices.Contains(names, k.Name) {
			to.Field(k.index).Set(from.Field(k.index))
		}
	}
	if slices.Contains(names, "cors_origins") {
		merged.corsNone = next.corsNone
	}
	return &merged
}

// parseList reads a YAML list, a JSON array or comma-separated text.
func parseList(raw any) ([]string, error) {
	var items []string
	switch raw := raw.(type) {
	case []any:
		for _, e := range raw {
			items = append(items, fmt.Sprint(e))
		}
	case []string:
		items = raw
	default:
		text := strings.TrimSpace(fmt.Sprint(raw))
		if strings.HasPrefix(text, "[") {
			if err := json.Unmarshal([]byte(text), &items); err != nil {
				return nil, fmt.Errorf("%q is not a JSON array of texts", text)
			}
			break
		}
		items = strings.Split(text, ",")
	}
	out := []string{}
	for _, e := range items {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, e)
		}
	}
	return out, nil
}
