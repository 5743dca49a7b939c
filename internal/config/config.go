// Package config reads the configuration: config.yaml, then .env, then the
// environment, then flags, each over the one before, into one typed value.
// It is the only package that knows viper.
package config

import (
	"time"
)

// Config is the effective configuration. Each field's tags are its one
// definition: the key in config.yaml (in upper case: the environment's name,
// also with FLOWGATE_ before it), default (development, staging and production
// stand for that profile's own), meaning, permitted values, whether it is a
// secret, and whether a change is taken over while the program runs (live).
type Config struct {
	AppName     string `group:"The program" key:"app_name" default:"Workflow Agent API Gateway" doc:"Name shown at / and in the documentation."`
	Environment string `key:"environment" default:"development" enum:"development,staging,production" doc:"Profile: development is open on this machine, staging and production refuse unsafe settings."`

	Version string `key:"version" default:"" doc:"Version shown. Empty: the build's."`
	Debug   bool   `key:"debug" default:"false" live:"true" doc:"Log everything, whatever log_level says."`
	Reload  bool   `key:"reload" development:"true" staging:"true" production:"false" doc:"Take over changes of the configuration files, or at SIGHUP, while running: of the keys that are marked live. What is faulty is refused, and the last good configuration stays in force."`

	Host      string `group:"Addresses" key:"host" development:"127.0.0.1" staging:"0.0.0.0" production:"0.0.0.0" doc:"Address to listen on. Without a key required of local callers, the program must not face a network."`
	Port      int    `key:"port" default:"8000" min:"0" max:"65535" doc:"Port to listen on; 0 takes a free one."`
	PublicURL string `key:"public_url" default:"" doc:"Address under which people and webhooks reach this server; every link begins with it. Empty: http://HOST:PORT."`
	DataDir   string `key:"data_dir" default:"" doc:"Folder of the embedded database, secrets and files. Empty: flowgate in the user's data folder."`

	DatabaseURL string `group:"Storage" key:"database_url" default:"" secret:"true" doc:"PostgreSQL (14 or newer) for any number of servers that share their work: postgres://user:password@host:5432/name, a direct connection. Everything is then kept there, and API_SECRET_KEY and ENCRYPTION_KEY have to be the same on all. Empty: a SQLite file in the data folder."`

	LogLevel  string `group:"Observation" key:"log_level" development:"debug" staging:"info" production:"warning" live:"true" enum:"debug,info,warning,error" doc:"Least serious level that is logged."`
	LogFormat string `key:"log_format" default:"standard" enum:"standard,json,simple" doc:"Form of a log line."`

	MetricsEnabled           bool    `key:"metrics_enabled" default:"true" doc:"Count and time what happens, for Prometheus, at /api/public/metrics; in production only with metrics_token or at metrics_addr."`
	MetricsToken             string  `key:"metrics_token" default:"" secret:"true" doc:"Token that scrapers of /api/public/metrics present as a bearer token, at least 16 characters. Empty: none is asked for, and in production the route is not there."`
	MetricsAddr              string  `key:"metrics_addr" default:"" doc:"Address of a listener for metrics alone, at /metrics, such as 127.0.0.1:9090. Give it to no one but the scraper."`
	OTelExporterOTLPEndpoint string  `key:"otel_exporter_otlp_endpoint" default:"" doc:"OpenTelemetry collector that gets traces, by OTLP over HTTP, such as http://collector:4318. Empty: nothing is traced."`
	OTelExporterOTLPHeaders  string  `key:"otel_exporter_otlp_headers" default:"" secret:"true" doc:"Headers sent to the collector: name=value, several with commas."`
	TraceSampleRatio         float64 `key:"trace_sample_ratio" default:"1" min:"0" max:"1" doc:"Part of the traces begun here that is recorded, from 0 to 1. Callers who trace decide for theirs."`

	HealthCheckEnabled bool `key:"health_check_enabled" default:"true" doc:"Ask the database, Redis and the agent how they are. False: health tells of the program alone; the probes stay."`

	PublicAPIEnabled bool `group:"Tiers" key:"public_api_enabled" default:"true" doc:"Serve /api/public."`
	AppAPIEnabled    bool `key:"app_api_enabled" default:"true" doc:"Serve /api/app."`
	MCPAPIEnabled    bool `key:"mcp_api_enabled" default:"true" doc:"Serve /mcp and /api/mcp."`

	SupabaseURL         string `key:"supabase_url" default:"" doc:"Supabase project whose users sign in here, such as https://abc.supabase.co. Empty: people sign in with the embedded accounts."`
	SupabaseAnonKey     string `key:"supabase_anon_key" default:"" secret:"true" doc:"The project's public (anon) key, sent along with users' own calls and questions about tokens."`
	SupabaseSecretKey   string `key:"supabase_secret_key" default:"" secret:"true" doc:"The project's secret (service role) key, which row-level security does not bind. It serves the bucket of users' files alone (files_backend)."`
	SupabaseREST        bool   `key:"supabase_rest_enabled" default:"true" doc:"Send what signed-in users read and change themselves over the project's REST interface, under their own tokens, when supabase_url and database_url are set. False, or a project that does not expose the schema flowgate_api: all goes over database_url, under the same policies."`
	RLSEnabled          bool   `key:"rls_enabled" default:"true" doc:"Have PostgreSQL's row-level security keep users' rows apart, besides the program itself. False is for development, with a login that may bypass it."`
	SupabaseIssuer      string `key:"supabase_issuer" default:"" doc:"Issuer that the project's tokens name. Empty: SUPABASE_URL/auth/v1."`
	SupabaseAuthEnabled bool   `key:"supabase_auth_enabled" default:"true" doc:"Have users sign in with the Supabase project when supabase_url is set. False keeps the embedded accounts; refused in production."`
	JWTSecretKey        string `key:"jwt_secret_key" default:"" secret:"true" doc:"Secret of a Supabase project that signs its tokens with HS256. Empty: tokens are checked by the project's published keys, others by asking it."`
	EmailConfirmedOnly  bool   `key:"email_confirmed_required" default:"true" doc:"Refuse users whose email address is not confirmed. A Supabase project is asked about each user, at most once an hour, with supabase_anon_key: tokens say it where users can write it themselves. Projects whose hook writes app_metadata.email_verified into tokens are not asked."`
	GuestSessions       bool   `key:"guest_sessions_enabled" default:"false" doc:"Let anonymous users in, as guests."`
	SignUp              string `key:"signup" default:"loopback" enum:"loopback,on,off" doc:"Whether strangers may make themselves an embedded account: on a loopback address only, always, or never."`

	MCPAPIKeyRequired   bool `key:"mcp_api_key_required" default:"true" doc:"Refuse MCP callers without an API key. False makes such a caller the local user; only on a loopback address outside production."`
	MCPAllowQueryAPIKey bool `key:"mcp_allow_query_api_key" default:"false" doc:"Accept ?api_key= on the MCP tier. URLs leak, so leave it off beyond your own machine."`

	MCPAPIKeys string `key:"mcp_api_keys" default:"" secret:"true" live:"true" doc:"Keys of the configuration, as JSON text: {\"ci\": {\"client_name\": \"CI\", \"scopes\": [\"tools:execute\"], \"rate_limit_tier\": \"standard\", \"active\": true, \"user\": \"ann@example.org\", \"key_hash\": \"…\"}}. The hash is what flowgate keys hash prints. Outside production key may hold the key in clear instead; in development, with neither, the id is the key. Without user a key has a workspace of its own."`

	CORSOrigins          []string `group:"Browsers and bounds" key:"cors_origins" development:"http://localhost:3000,http://localhost:8080" live:"true" doc:"Origins whose pages may call this server from a browser, or none. To be set in staging and production."`
	CORSAllowMethods     []string `key:"cors_allow_methods" default:"GET,HEAD,POST,PUT,PATCH,DELETE" live:"true" doc:"Methods that those pages may use."`
	CORSAllowHeaders     []string `key:"cors_allow_headers" default:"Authorization,Content-Type,X-API-Key,Apikey,X-Client-Info,X-Supabase-Api-Version,X-Request-Id,If-Match,Idempotency-Key,Last-Event-ID,Mcp-Session-Id,Mcp-Protocol-Version,Mcp-Method,Mcp-Name,traceparent,tracestate" live:"true" doc:"Headers that those pages may send."`
	CORSAllowCredentials bool     `key:"cors_allow_credentials" default:"false" live:"true" doc:"Let browsers send credentials from those origins."`
	AllowedHosts         []string `key:"allowed_hosts" default:"" doc:"Host names accepted on /mcp besides loopback and PUBLIC_URL's."`
	TrustedProxies       []string `key:"trusted_proxies" default:"" doc:"Address ranges of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8. Empty: nobody's."`
	MaxBodyBytes         int64    `key:"max_body_bytes" default:"4194304" min:"1024" max:"1073741824" doc:"Largest request body, webhooks and files apart."`
	FilesBackend         string   `key:"files_backend" default:"auto" enum:"auto,disk,supabase" doc:"Where the content of users' files is kept: supabase is a private bucket of the project's Storage, which all servers find, with supabase_url, supabase_secret_key and database_url; disk is DATA_DIR/files, which they must share. auto: supabase when those are set, else disk."`
	FileMaxBytes         int64    `key:"file_max_bytes" default:"67108864" min:"1024" max:"10737418240" doc:"Largest uploaded file."`
	FilesMaxBytes        int64    `key:"files_max_bytes" default:"1073741824" min:"0" max:"1125899906842624" doc:"What a user's files may take together. 0: any amount."`
	FilesMaxCount        int      `key:"files_max_count" default:"10000" min:"0" max:"100000000" doc:"How many files a user may keep. 0: any number."`
	WebhookMaxBytes      int64    `key:"webhook_max_bytes" default:"16777216" min:"1024" max:"1073741824" doc:"Largest webhook body."`

	CacheTTL time.Duration `key:"cache_ttl" default:"1h" doc:"Longest that what was read of callers is taken as known: an identity provider's word on a token (at most 1m, and never beyond the token's end), its published keys (at most 10m), API keys, people, sessions and grants (at most 750ms, and until one hears of a revocation). A bare number is seconds. 0: everything is asked for each time."`

	APISecretKey  string `group:"Secrets" key:"api_secret_key" default:"" secret:"true" doc:"Pepper under which API keys are hashed, and from which the key comes that seals what the installation signs with; at least 32 characters. Empty: made once and kept in the data folder; refused in production."`
	EncryptionKey string `key:"encryption_key" default:"" secret:"true" doc:"Key that stored credentials are sealed under: 32 bytes in hex or base64. Several with commas, the newest first, change it: new ones are sealed under the first, all are opened, and at start the rest is sealed anew; a name and a colon may stand before each. Empty: made once and kept in the data folder, where flowgate secrets rotate changes it; refused in production."`

	RedisURL               string   `group:"Limits" key:"redis_url" default:"" secret:"true" doc:"Redis (7 or newer) in which several servers count rate limits together, note the nonces of signed requests, and tell each other what was revoked and what happens in executions and conversations: redis://user:password@host:6379/0, rediss:// for TLS. While it is away limits are counted apart, signed requests are refused (503), and what happens elsewhere comes from the database, up to a second later. Empty: each server counts alone; nonces are in the database."`
	RateLimitEnabled       bool     `key:"rate_limit_enabled" default:"true" live:"true" doc:"Limit what callers may do."`
	PublicRateLimitEnabled bool     `key:"public_rate_limit_enabled" development:"false" staging:"true" production:"true" live:"true" doc:"Limit the public tier, too."`
	RateLimitStorage       string   `key:"rate_limit_storage" default:"auto" enum:"auto,memory,redis" doc:"Where requests are counted; auto: in Redis when redis_url is set, else in each server's memory."`
	RateLimitStrategy      string   `key:"rate_limit_strategy" default:"sliding_window" enum:"sliding_window,fixed_window" live:"true" doc:"How: in a window that slides, or anew at each full window."`
	RateLimitReplicas      int      `key:"rate_limit_replicas" default:"1" min:"1" max:"10000" live:"true" doc:"How many servers share redis_url. While it is away each counts alone and admits this part of every limit."`
	RateLimits             []string `key:"rate_limits" default:"" live:"true" doc:"Limits other than the defaults in docs/limits.md, such as mcp.invoke=5000/1h, public.docs=off, mcp.tool.execute_workflow=100/1h, webhook.path.orders=60/1m, tier.premium=20."`
	MaxOpenPerCaller       int      `key:"max_open_per_caller" default:"128" min:"0" max:"1000000" live:"true" doc:"Streams and waiting calls that one caller may hold open in one server. 0: no bound."`
	MaxWebhookConcurrency  int      `key:"max_webhook_concurrency" default:"512" min:"1" max:"1000000" live:"true" doc:"Calls of webhooks that are under way at once in one server; of one webhook a quarter of that."`

	AuditEnabled   bool          `group:"Audit" key:"audit_enabled" default:"true" doc:"Keep the audit log: every call and refusal, with who, which key, when and what became of it. What changes something is refused while it cannot be recorded."`
	AuditRetention time.Duration `key:"audit_retention" default:"2160h" doc:"How long entries of the audit log are kept. 0: for ever."`

	WorkflowServiceHost     string `group:"Workflow agent" key:"workflow_service_host" default:"" doc:"Host of a remote workflow agent. Empty: the embedded one."`
	WorkflowServicePort     int    `key:"workflow_service_port" default:"50051" min:"1" max:"65535" doc:"Port of the remote workflow agent."`
	WorkflowServiceCA       string `key:"workflow_service_ca" default:"" doc:"File with the certificate authority of the remote agent (PEM)."`
	WorkflowServiceCert     string `key:"workflow_service_cert" default:"" doc:"File with the certificate shown to, or by, the agent (PEM)."`
	WorkflowServiceKey      string `key:"workflow_service_key" default:"" doc:"File with that certificate's key (PEM)."`
	WorkflowServiceInsecure bool   `key:"workflow_service_insecure" default:"false" doc:"Speak to the remote agent without TLS. Always allowed for a loopback address in development."`
	AgentCallsPerTier       int    `key:"agent_calls_per_tier" default:"256" min:"1" max:"1000000" doc:"Short calls to the agent that each tier (app, MCP, public) may have under way in one server; what one has takes no place of another's."`
	AgentTurnsPerTier       int    `key:"agent_turns_per_tier" default:"64" min:"1" max:"1000000" doc:"Turns of conversations that each tier may have under way in one server."`
	AgentFallback           string `key:"agent_fallback" default:"none" enum:"none,embedded" doc:"embedded: while the remote agent is down, the agent of this process holds the conversations, and says so. none: they answer 503."`

	LLMProvider    string        `group:"Language models" key:"llm_provider" default:"none" enum:"none,openai,anthropic" doc:"Who plans workflows in conversations: openai (or any server that speaks its chat completions, see llm_base_url), anthropic, or none: the offline planner, by fixed rules. Users may bring keys of their own in any case."`
	LLMAPIKey      string        `key:"llm_api_key" default:"" secret:"true" doc:"Key for the provider. Servers at an llm_base_url of your own may need none."`
	LLMBaseURL     string        `key:"llm_base_url" default:"" doc:"Address of the provider's interface, such as http://127.0.0.1:11434/v1 for Ollama. Empty: the provider's own."`
	LLMModel       string        `key:"llm_model" default:"" doc:"Model that plans, by the provider's name. It must be able to call tools."`
	LLMModels      []string      `key:"llm_models" default:"" doc:"Further models of the provider that users may choose for a conversation."`
	LLMFallback    string        `key:"llm_fallback" default:"none" enum:"none,offline" doc:"offline: when the model fails, is overloaded, or its workflow stays faulty, the offline planner goes on and the conversation says so. none: the turn fails and says why."`
	LLMMaxCalls    int           `key:"llm_max_calls" default:"24" min:"1" max:"1000" doc:"Most requests to the model for one message of a user."`
	LLMMaxTokens   int64         `key:"llm_max_tokens" default:"400000" min:"0" max:"1000000000" doc:"Most tokens, read and written, for one message of a user. 0: any number."`
	LLMMaxOutput   int64         `key:"llm_max_output" default:"8192" min:"256" max:"1000000" doc:"Most tokens of one answer of the model."`
	LLMTimeout     time.Duration `key:"llm_timeout" default:"4m" doc:"Longest that the model is waited for, for one message of a user. A turn takes at most 5m in any case."`
	LLMInputPrice  float64       `key:"llm_input_price" default:"0" min:"0" max:"1000000" doc:"Price of a million tokens read, for llm_max_cost."`
	LLMOutputPrice float64       `key:"llm_output_price" default:"0" min:"0" max:"1000000" doc:"Price of a million tokens written, for llm_max_cost."`
	LLMMaxCost     float64       `key:"llm_max_cost" default:"0" min:"0" max:"1000000" doc:"Most that one message of a user may cost, by these prices. 0: any amount."`

	EgressAllowPrivate bool     `group:"What workflows reach" key:"egress_allow_private" default:"false" doc:"Let workflows' requests reach private, loopback and link-local addresses."`
	EgressAllowCIDRs   []string `key:"egress_allow_cidrs" default:"" doc:"Address ranges workflows' requests may reach although they are private, such as 10.1.0.0/16."`

	MCPServers string `key:"mcp_servers" default:"" secret:"true" doc:"MCP servers that workflows may name, as JSON text: {\"files\": {\"command\": \"mcp-files\", \"args\": [\"/srv\"], \"env\": {\"KEY\": \"value\"}}, \"search\": {\"url\": \"https://mcp.example.com/mcp\"}}. A program speaks MCP over stdio; it runs as this server's user, is shared by everybody's workflows, and sees of this environment only PATH, HOME and the like. Documents cannot name commands."`

	Timezone               string        `group:"Executions" key:"timezone" default:"UTC" doc:"Time zone of workflows that name none."`
	ExecutionTimeout       time.Duration `key:"execution_timeout" default:"1h" doc:"Longest an execution may compute; time it waits is not counted."`
	NodeTimeout            time.Duration `key:"node_timeout" default:"5m" doc:"Longest one run of one node may take."`
	CodeTimeout            time.Duration `key:"code_timeout" default:"10s" doc:"Longest a code node's JavaScript may run."`
	CodeInProcess          bool          `key:"code_in_process" default:"false" doc:"Run code nodes inside the server instead of in limited worker processes. For a single trusted user."`
	MaxConcurrency         int           `key:"max_concurrency" default:"32" min:"1" max:"10000" doc:"Executions this process runs at once; further ones queue in the database."`
	MaxUserConcurrency     int           `key:"max_user_concurrency" default:"64" min:"0" max:"100000" doc:"Executions of one user that run at once in all processes together; further ones queue. 0: no bound."`
	MaxWorkflowConcurrency int           `key:"max_workflow_concurrency" default:"32" min:"0" max:"100000" doc:"Executions of one workflow that run at once in all processes together; further ones queue. 0: no bound."`
	MissedRuns             string        `key:"missed_runs" default:"skip" enum:"skip,once" doc:"What becomes of scheduled times that passed while no process ran: skip counts them, once makes one up. A workflow's own setting missedRuns goes before it."`
	ExecutionRetention     time.Duration `key:"execution_retention" default:"336h" doc:"How long finished executions are kept. 0: for ever."`
	ExecutionsKept         int           `key:"executions_kept" default:"100000" min:"0" max:"100000000" doc:"How many executions are kept of each user; of older ones those that have finished are deleted. 0: any number."`
	SQLiteSyncFull         bool          `key:"sqlite_sync_full" default:"false" doc:"Make every commit survive a power loss, at the cost of speed. A killed process loses nothing either way."`

	corsNone bool // cors_origins says that there are none
}

// Production reports whether the strict profile is in force.
func (c *Config) Production() bool { return c.Environment == "production" }

// Development reports whether the open profile is in force.
func (c *Config) Development() bool { return c.Environment == "development" }
