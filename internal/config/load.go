package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"
)

// Source says where to read besides the environment.
type Source struct {
	File    string            // a config.yaml; "" looks for one in the working folder
	EnvFile string            // a .env; "" looks for one in the working folder
	Flags   map[string]string // key → value given on the command line
}

// Load reads and checks the configuration. An error names every key at fault,
// where its value came from, and what would be right.
func Load(src Source) (*Config, error) {
	v := viper.New()
	for _, k := range Keys() {
		v.SetDefault(k.Name, k.Default) // the profile's own are known only when all is read
		if err := v.BindEnv(k.Name, "FLOWGATE_"+k.Env(), k.Env()); err != nil {
			return nil, err
		}
	}
	if err := readYAML(v, src.File); err != nil {
		return nil, err
	}
	if err := readDotEnv(v, src.EnvFile); err != nil {
		return nil, err
	}
	for name, value := range src.Flags {
		v.Set(name, value)
	}
	cfg, err := decode(v)
	if err := errors.Join(err, unknownVariables(os.Environ())); err != nil {
		return nil, err
	}
	cfg.complete()
	return cfg, cfg.Validate()
}

func readYAML(v *viper.Viper, file string) error {
	named := file != ""
	if !named {
		file = "config.yaml"
	}
	data, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the configuration file: %w", err)
	}
	defer data.Close()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(data); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var unknown []string
	known := Keys()
	for _, name := range v.AllKeys() {
		if !slices.ContainsFunc(known, func(k Key) bool { return k.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("%s: unknown key %s%s; flowgate config print lists the known ones", file, strings.Join(unknown, ", "), near(unknown[0]))
	}
	return nil
}

// readDotEnv puts a .env file's values under those of the environment.
func readDotEnv(v *viper.Viper, file string) error {
	named := file != ""
	if !named {
		file = ".env"
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the environment file: %w", err)
	}
	e := viper.New()
	e.SetConfigType("env")
	if err := e.ReadConfig(strings.NewReader(string(data))); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, k := range Keys() {
		for _, name := range []string{k.Env(), "FLOWGATE_" + k.Env()} {
			_, inEnv := os.LookupEnv(k.Env())
			_, inPrefixed := os.LookupEnv("FLOWGATE_" + k.Env())
			if e.IsSet(strings.ToLower(name)) && !inEnv && !inPrefixed {
				v.Set(k.Name, e.GetString(strings.ToLower(name)))
			}
		}
	}
	return nil
}

func decode(v *viper.Viper) (*Config, error) {
	cfg := &Config{}
	var faults []error
	value := reflect.ValueOf(cfg).Elem()
	environment := strings.ToLower(strings.TrimSpace(v.GetString("environment")))
	for _, k := range Keys() {
		raw := v.Get(k.Name)
		if k.Profile != nil && isEmpty(raw) {
			raw = k.defaultIn(environment)
		}
		if err := assign(value.Field(k.index), raw, k); err != nil {
			faults = append(faults, fmt.Errorf("%s (%s): %w", k.Name, k.Env(), err))
		}
	}
	return cfg, errors.Join(faults...)
}

func isEmpty(raw any) bool {
	switch raw := raw.(type) {
	case nil:
		return true
	case []any:
		return false
	default:
		return strings.TrimSpace(fmt.Sprint(raw)) == ""
	}
}

// notSettings begin the names of variables, FLOWGATE_ apart, that are ours but
// no settings: the caller's key, those of tests, and those that Kubernetes
// makes for a service of our name.
func notSettings() []string {
	return []string{"API_KEY", "TEST_", "CRASH_", "SCENARIOS", "SQLITE_TEST_", "SERVICE_", "PORT_"}
}

// unknownVariables names those that are written as settings and are none.
func unknownVariables(environ []string) error {
	var faults []error
	known := Keys()
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		rest, ours := strings.CutPrefix(name, "FLOWGATE_")
		if !ours || slices.ContainsFunc(notSettings(), func(prefix string) bool { return strings.HasPrefix(rest, prefix) }) {
			continue
		}
		if !slices.ContainsFunc(known, func(k Key) bool { return k.Env() == rest }) {
			faults = append(faults, fmt.Errorf("the environment has %s, which is no setting%s; flowgate config print lists them", name, near(strings.ToLower(rest))))
		}
	}
	return errors.Join(faults...)
}

// near suggests the known key that a name was probably meant to be.
func near(name string) string {
	best, least := "", 4
	for _, k := range Keys() {
		if d := distance(name, k.Name); d < least {
			best, least = k.Name, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance is how many letters have to change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func assign(field reflect.Value, raw any, k Key) error {
	text := strings.TrimSpace(fmt.Sprint(raw))
	switch field.Interface().(type) {
	case string:
		if len(k.Enum) > 0 && !slices.Contains(k.Enum, strings.ToLower(text)) {
			return fmt.Errorf("%q is not one of %s", text, strings.Join(k.Enum, ", "))
		}
		if len(k.Enum) > 0 {
			text = strings.ToLower(text)
		}
		field.SetString(text)
	case bool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		field.SetBool(b)
	case int, int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < k.Min || n > k.Max {
			return fmt.Errorf("%q is not a whole number from %d to %d", text, k.Min, k.Max)
		}
		field.SetInt(n)
	case float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f < float64(k.Min) || f > float64(k.Max) {
			return fmt.Errorf("%q is not a number from %d to %d", text, k.Min, k.Max)
		}
		field.SetFloat(f)
	case time.Duration:
		d, err := time.ParseDuration(text)
		if seconds, bare := strconv.ParseInt(text, 10, 32); bare == nil { // as the variables of other programs are
			d, err = time.Duration(seconds)*time.Second, nil
		}
		if err != nil || d < 0 {
			return fmt.Errorf("%q is not a length of time such as 90s or 2h", text)
		}
		field.SetInt(int64(d))
	case []string:
		list, err := parseList(raw)
		if err != nil {
			return err
		}
		field.Set(reflect.ValueOf(list))
	default:
		return fmt.Errorf("the type %s is not supported", field.Type())
	}
	return nil
}

// complete fills in what follows from other values.
func (c *Config) complete() {
	if c.Debug {
		c.LogLevel = "debug"
	}
	if len(c.CORSOrigins) == 1 && strings.EqualFold(c.CORSOrigins[0], "none") {
		c.CORSOrigins, c.corsNone = []string{}, true
	}
	if c.DataDir == "" {
		c.DataDir = defaultDataDir()
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	c.SupabaseURL = strings.TrimRight(c.SupabaseURL, "/")
}

func defaultDataDir() string {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "flowgate")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "flowgate")
	}
	return filepath.Join(".", "flowgate-data")
}
