package web

// Described is a route that follows from no capability, for documentation.
type Described struct {
	Method, Path string
	Does         string
}

// PublicRoutes describes what anyone may call.
func PublicRoutes() []Described {
	return []Described{
		{"GET", "/", "Name, version and links."},
		{"GET", "/livez", "200 while the process answers. For orchestrators; never limited."},
		{"GET", "/readyz", "200 while requests may be sent here; 503 while the database is away, and once a stop has begun. For orchestrators; never limited."},
		{"GET", "/health", "The same as `/api/public/health`."},
		{"GET", "/api/public/health", "`{status, version, checks{database, redis, grpc, public_api, app_api, mcp_api}, timestamp}`. `healthy`; `degraded` (200) while Redis or the agent is away; `unhealthy` (503) while the database is. What is switched off has not failed. Components are asked at most once a second, and given two."},
		{"GET", "/api/public/status", "`{name, version, environment, features{public_api, app_api, mcp_api, rate_limiting, metrics}, timestamp}`."},
		{"GET", "/api/public/info", "`{name, version, status, timestamp, features[]}`: the features that are on."},
		{"GET", "/api/public/docs", "302 to the interactive documentation at `/docs`."},
		{"GET", "/api/public/metrics", "Metrics for Prometheus while `METRICS_ENABLED`; in production only for the bearer of `METRICS_TOKEN`. `METRICS_ADDR` serves them at an address of their own."},
		{"GET", "/.well-known/oauth-protected-resource", "How MCP clients authenticate (RFC 9728)."},
		{"GET", "/.well-known/oauth-protected-resource/mcp", "The same, as clients of `/mcp` look for it."},
	}
}
