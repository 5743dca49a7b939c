package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"flowgate/internal/seal"
)

// minSecret is the least length of a configured secret, in characters.
const minSecret = 32

// minToken is the least length of a token that only scrapers present.
const minToken = 16

// Validate reports every setting that cannot stand, by key and remedy.
func (c *Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !c.MCPAPIKeyRequired && (c.Production() || !loopback(c.Host)) {
		fault("mcp_api_key_required: false is only for development on a loopback address (host is %s, environment %s); set it to true", c.Host, c.Environment)
	}
	if c.CORSAllowCredentials && slices.Contains(c.CORSOrigins, "*") {
		fault("cors_origins: * cannot go together with cors_allow_credentials; name the origins")
	}
	if !c.Development() && len(c.CORSOrigins) == 0 && !c.corsNone {
		fault("cors_origins: name the origins whose pages may call this server (CORS_ORIGINS=https://app.example.org), or none")
	}
	for _, cidr := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			fault("trusted_proxies: %q is not a range such as 10.0.0.0/8", cidr)
		}
	}
	if c.APISecretKey != "" && len(c.APISecretKey) < minSecret {
		fault("api_secret_key: is shorter than %d characters; make one with: openssl rand -hex 32", minSecret)
	}
	if c.Production() && c.APISecretKey == "" {
		fault("api_secret_key: production does not use a generated secret; set API_SECRET_KEY to what this prints: openssl rand -hex 32")
	}
	if c.EncryptionKey != "" {
		if _, err := seal.ParseKeys(c.EncryptionKey); err != nil {
			fault("encryption_key: %w", err)
		}
	} else if c.Production() {
		fault("encryption_key: production does not use a generated key; set ENCRYPTION_KEY to one of: openssl rand -hex 32")
	}
	if c.SupabaseURL != "" {
		if u, err := url.Parse(c.SupabaseURL); err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || c.Production() && !loopback(u.Hostname())) {
			fault("supabase_url: %q is not an address such as https://abc.supabase.co", c.SupabaseURL)
		}
	}
	if c.SupabaseURL != "" && !c.SupabaseAuthEnabled && c.Production() {
		fault("supabase_auth_enabled: false is not for production with supabase_url set; set it to true")
	}
	c.validateSupabase(fault)
	if c.JWTSecretKey != "" && len(c.JWTSecretKey) < minSecret {
		fault("jwt_secret_key: is shorter than %d characters; use the project's JWT secret", minSecret)
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			fault("public_url: %q is not an address such as https://flow.example.org", c.PublicURL)
		}
	}
	c.validateTelemetry(fault)
	c.validateModels(fault)
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		fault("timezone: %q is not a time zone such as Europe/Oslo", c.Timezone)
	}
	for _, cidr := range c.EgressAllowCIDRs {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			fault("egress_allow_cidrs: %q is not a range such as 10.1.0.0/16", cidr)
		}
	}
	if c.RateLimitStorage == "redis" && c.RedisURL == "" {
		fault("rate_limit_storage: redis needs redis_url; set it, or count in memory")
	}
	if c.WorkflowServiceInsecure && c.Production() {
		fault("workflow_service_insecure: production speaks to the agent by TLS; set workflow_service_ca instead")
	}
	if (c.WorkflowServiceCert == "") != (c.WorkflowServiceKey == "") {
		fault("workflow_service_cert and workflow_service_key: set both or none")
	}
	return errors.Join(faults...)
}

func (c *Config) validateTelemetry(fault func(format string, args ...any)) {
	if c.MetricsToken != "" && len(c.MetricsToken) < minToken {
		fault("metrics_token: is shorter than %d characters; make one with: openssl rand -hex 32", minToken)
	}
	if _, port, err := net.SplitHostPort(c.MetricsAddr); c.MetricsAddr != "" && (err != nil || port == "") {
		fault("metrics_addr: %q is not an address such as 127.0.0.1:9090", c.MetricsAddr)
	}
	if u, err := url.Parse(c.OTelExporterOTLPEndpoint); c.OTelExporterOTLPEndpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		fault("otel_exporter_otlp_endpoint: %q is not an address such as http://collector:4318", c.OTelExporterOTLPEndpoint)
	}
	if _, err := ParseHeaders(c.OTelExporterOTLPHeaders); err != nil {
		fault("otel_exporter_otlp_headers: %w", err)
	}
}

func (c *Config) validateModels(fault func(format string, args ...any)) {
	if u, err := url.Parse(c.LLMBaseURL); c.LLMBaseURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil) {
		fault("llm_base_url: it is not an address such as http://127.0.0.1:11434/v1, without a password in it")
	}
	if c.LLMProvider == "none" {
		return
	}
	if c.LLMModel == "" {
		fault("llm_model: name the model of %s that plans", c.LLMProvider)
	}
	if c.LLMAPIKey == "" && c.LLMBaseURL == "" {
		fault("llm_api_key: %s needs a key; set it, or llm_base_url for a server of your own", c.LLMProvider)
	}
	if c.LLMMaxCost > 0 && c.LLMInputPrice == 0 && c.LLMOutputPrice == 0 {
		fault("llm_max_cost: needs llm_input_price and llm_output_price")
	}
}

func (c *Config) validateSupabase(fault func(format string, args ...any)) {
	if !c.RLSEnabled && !c.Development() {
		fault("rls_enabled: false is for development only; set it to true")
	}
	if c.SupabaseURL != "" && c.Production() {
		if c.DatabaseURL == "" {
			fault("database_url: production with supabase_url needs the project's database too, for what runs without a user's token; set DATABASE_URL to its direct address or its pooler's in session mode")
		}
		if c.SupabaseAnonKey == "" {
			fault("supabase_anon_key: is needed with supabase_url; it is the project's anon or publishable key")
		}
	}
	if c.FilesBackend == "supabase" && !c.UsesSupabaseStorage() {
		fault("files_backend: supabase needs supabase_url, supabase_secret_key and database_url")
	}
	if c.SupabaseSecretKey != "" && c.SupabaseSecretKey == c.SupabaseAnonKey {
		fault("supabase_anon_key: is the secret key; set it to the project's anon or publishable key")
	}
}

// UsesSupabaseREST reports whether users' own calls go over the project's REST
// interface.
func (c *Config) UsesSupabaseREST() bool {
	return c.SupabaseREST && c.RLSEnabled && c.UsesSupabaseAuth() && c.DatabaseURL != "" && c.SupabaseAnonKey != ""
}

// UsesSupabaseStorage reports whether the content of users' files is kept in the
// project's Storage.
func (c *Config) UsesSupabaseStorage() bool {
	return c.FilesBackend != "disk" && c.SupabaseURL != "" && c.SupabaseSecretKey != "" && c.DatabaseURL != ""
}

// ParseHeaders reads name=value, several with commas.
func ParseHeaders(text string) (map[string]string, error) {
	out := map[string]string{}
	for i, part := range strings.Split(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("header %d is not name=value", i+1)
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, nil
}

// UsesSupabaseAuth reports whether people sign in with a Supabase project.
func (c *Config) UsesSupabaseAuth() bool { return c.SupabaseURL != "" && c.SupabaseAuthEnabled }

// SignUpOpen reports whether strangers may make themselves an account. A
// public address means that strangers come by a proxy.
func (c *Config) SignUpOpen() bool {
	if c.SignUp != "loopback" {
		return c.SignUp == "on"
	}
	u, err := url.Parse(c.PublicURL)
	return c.Loopback() && err == nil && (c.PublicURL == "" || loopback(u.Hostname()))
}

// Loopback reports whether the server listens on this machine only.
func (c *Config) Loopback() bool { return loopback(c.Host) }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
