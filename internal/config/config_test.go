package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestExampleFilesAreCurrent(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"../../config.yaml": Example(), "../../.env.example": EnvExample(), "../../docs/configuration.md": Reference()} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the keys say (%v): go test ./internal/config -update", path, err)
		}
	}
}

// load reads a configuration from a file of this text and these flags.
func load(t *testing.T, yaml string, flags map[string]string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Source{File: path, Flags: flags})
}

func TestExampleFileMeansTheDefaults(t *testing.T) {
	t.Parallel()
	fromExample, err := load(t, Example(), nil)
	if err != nil {
		t.Fatal(err)
	}
	fromNothing, err := load(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := fromExample.Settings(), fromNothing.Settings()
	for i := range a {
		if a[i].Value != b[i].Value {
			t.Errorf("%s: %q in the file, %q by default", a[i].Name, a[i].Value, b[i].Value)
		}
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	yaml, env := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "e")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(yaml, "port: 1001\nlog_level: debug\napp_name: from file\ncors_origins: [https://a.example, https://b.example]\n")
	write(env, "PORT=1002\nFLOWGATE_APP_NAME=\"from env file\"\nLOG_LEVEL=error\n")
	t.Setenv("FLOWGATE_LOG_LEVEL", "warning")
	t.Setenv("NODE_TIMEOUT", "90s")
	cfg, err := Load(Source{File: yaml, EnvFile: env, Flags: map[string]string{"host": "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Port != 1002 || cfg.AppName != "from env file" || cfg.LogLevel != "warning" || cfg.NodeTimeout != 90*time.Second || cfg.Host != "localhost" {
		t.Errorf("got %+v", cfg)
	}
	if strings.Join(cfg.CORSOrigins, " ") != "https://a.example https://b.example" {
		t.Errorf("origins are %v", cfg.CORSOrigins)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":         {"colour: red", "unknown key colour"},
		"misspelt key":        {"log_levle: info", "(did you mean log_level?)"}, //nolint:misspell // that is the point
		"open origins":        {"environment: staging", "cors_origins: name the origins"},
		"bad proxy":           {"trusted_proxies: [10.0.0.0/8, proxy]", `trusted_proxies: "proxy" is not a range`},
		"short token":         {"metrics_token: abc", "metrics_token: is shorter than 16"},
		"bad collector":       {"otel_exporter_otlp_endpoint: collector", `"collector" is not an address`},
		"bad ratio":           {"trace_sample_ratio: 2", `"2" is not a number from 0 to 1`},
		"not a number":        {"port: many", `port (PORT): "many" is not a whole number`},
		"out of range":        {"port: 70000", `"70000" is not a whole number from 0 to 65535`},
		"not a switch":        {"mcp_api_enabled: perhaps", `"perhaps" is not true or false`},
		"not a time":          {"node_timeout: soon", `"soon" is not a length of time`},
		"not a choice":        {"log_format: xml", `"xml" is not one of standard, json, simple`},
		"short secret":        {"api_secret_key: abc", "api_secret_key: is shorter than 32"},
		"generated secret":    {"environment: production", "api_secret_key: production does not use a generated secret"},
		"short key":           {"encryption_key: abc", "encryption_key: key 1 of the list is not 32 bytes"},
		"generated key":       {"environment: production", "encryption_key: production does not use a generated key"},
		"keyless network":     {"mcp_api_key_required: false\nhost: 0.0.0.0", "only for development on a loopback address"},
		"wildcard with login": {"cors_origins: \"*\"\ncors_allow_credentials: true", "cors_origins: * cannot go together"},
		"bad zone":            {"timezone: Mars/Base", `"Mars/Base" is not a time zone`},
		"bad range":           {"egress_allow_cidrs: 10.0.0.0", `"10.0.0.0" is not a range`},
		"no model":            {"llm_provider: openai\nllm_api_key: sk-x", "llm_model: name the model of openai"},
		"no model key":        {"llm_provider: anthropic\nllm_model: m", "llm_api_key: anthropic needs a key"},
		"bad model address":   {"llm_base_url: localhost", `llm_base_url: it is not an address`},
		"key in an address":   {"llm_base_url: http://me:s3cr3t@localhost/v1", "llm_base_url: it is not an address"},
		"cost without prices": {"llm_provider: openai\nllm_api_key: sk-x\nllm_model: m\nllm_max_cost: 1", "llm_max_cost: needs llm_input_price"},
		"bad address":         {"public_url: example.org", `"example.org" is not an address`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.yaml, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, expected it to say %q", err, c.want)
			}
		})
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	cfg, err := load(t, "llm_api_key: s3cr3t\napi_secret_key: "+strings.Repeat("s3cr3t", 8)+"\nencryption_key: s3cr3t:"+strings.Repeat("ab01", 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.Settings() {
		if strings.Contains(s.Value, "s3cr3t") {
			t.Errorf("%s shows the secret", s.Name)
		}
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	const secrets = "\napi_secret_key: 0123456789abcdef0123456789abcdef\nencryption_key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\ncors_origins: none"
	for yaml, want := range map[string]string{
		"":                                       "127.0.0.1 debug true http://localhost:3000 http://localhost:8080",
		"environment: staging" + secrets:         "0.0.0.0 info true ",
		"environment: Production" + secrets:      "0.0.0.0 warning false ",
		"log_level: error":                       "127.0.0.1 error true http://localhost:3000 http://localhost:8080",
		"log_level: error\ndebug: true":          "127.0.0.1 debug true http://localhost:3000 http://localhost:8080",
		"host: ''\nlog_level:\ncors_origins: []": "127.0.0.1 debug true ",
	} {
		cfg, err := load(t, yaml, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(cfg.Host, " ", cfg.LogLevel, " ", cfg.Reload, " ", strings.Join(cfg.CORSOrigins, " ")); got != want {
			t.Errorf("%q: got %q, expected %q", yaml, got, want)
		}
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	err := unknownVariables([]string{"FLOWGATE_PROT=1", "FLOWGATE_PORT=2", "FLOWGATE_API_KEY=k", "FLOWGATE_TEST_X=1", "FLOWGATE_SERVICE_HOST=h", "PROT=3"})
	if err == nil || err.Error() != "the environment has FLOWGATE_PROT, which is no setting (did you mean port?); flowgate config print lists them" {
		t.Errorf("got %v", err)
	}
}

// TestExampleEnvFile sets every variable of .env.example to its default.
func TestExampleEnvFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	yaml, env := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "e")
	text := regexp.MustCompile(`(?m)^#([A-Z_]+=)("[^"]*"|[^ \n]*).*$`).ReplaceAllString(EnvExample(), "$1$2")
	if n := len(regexp.MustCompile(`(?m)^[A-Z_]+=`).FindAllString(text, -1)); n <= len(Keys()) {
		t.Fatalf("%d variables for %d keys", n, len(Keys()))
	}
	for path, text := range map[string]string{yaml: "", env: text} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(Source{File: yaml, EnvFile: env})
	if err != nil {
		t.Fatal(err)
	}
	want, err := load(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if live, later := want.difference(got); len(live)+len(later) > 0 {
		t.Errorf("%v %v differ", live, later)
	}
}
