package config

import (
	"encoding/json"
	"fmt"
	"reflect"
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

	index int
}

// Env is the key's name in the environment; FLOWGATE_ may stand before it.
func (k Key) Env() string { return strings.ToUpper(k.Name) }

// Keys returns every key, in the order of the documentation.
func Keys() []Key {
	t := reflect.TypeFor[Config]()
	keys := make([]Key, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		k := Key{Name: tag.Get("key"), Default: tag.Get("default"), Doc: tag.Get("doc"),
			Secret: tag.Get("secret") == "true", index: i, Max: 1 << 62}
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
