package grpcclient

import (
	"encoding/json"

	agentv1 "flowgate/proto/agent/v1"
)

// serviceConfig returns the gRPC service config: calls go round all addresses
// whose health service says SERVING (or that have none), and idempotent calls
// are retried while the agent is away or overloaded. Source:
// https://github.com/grpc/grpc/blob/master/doc/service_config.md
//
// ExecuteWorkflow is listed because it may be retried with an idempotency key;
// see once for calls without. WatchExecution is not: Watch goes on by itself.
func serviceConfig() string {
	type m = map[string]any
	service := agentv1.WorkflowEngine_ServiceDesc.ServiceName
	data, _ := json.Marshal(m{ // plain maps always encode
		"loadBalancingConfig": []m{{"round_robin": m{}}},
		"healthCheckConfig":   m{"serviceName": ""},
		// Each failure costs a token, each success gives a tenth back; below
		// half the tokens nothing is retried.
		"retryThrottling": m{"maxTokens": 20, "tokenRatio": 0.1},
		"methodConfig": []m{{
			"name": []m{
				{"service": service, "method": "ValidateWorkflow"},
				{"service": service, "method": "ListNodeTypes"},
				{"service": service, "method": "CancelExecution"},
				{"service": service, "method": "ExecuteWorkflow"},
			},
			"retryPolicy": m{
				"maxAttempts":          4,
				"initialBackoff":       "0.1s", // gRPC adds jitter of a fifth
				"maxBackoff":           "2s",
				"backoffMultiplier":    2,
				"retryableStatusCodes": []string{"UNAVAILABLE", "RESOURCE_EXHAUSTED"},
			},
		}},
	})
	return string(data)
}
