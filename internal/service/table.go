package service

import (
	"slices"

	"flowgate/internal/auth"
)

// capabilities is the table: everything the product can do. A new ability is
// a method and a row here; its tool, route, schema, scope and documentation
// follow.
func (s *Service) capabilities() []*Capability {
	return slices.Concat(s.workflowCapabilities(), s.executionCapabilities(), s.nodeCapabilities(), s.sessionCapabilities(), s.credentialCapabilities(), s.keyCapabilities(),
		s.fileCapabilities(), s.streamCapabilities(), s.editorCapabilities(), s.operatorCapabilities(), s.auditCapabilities())
}

// workflowCapabilities are what can be done with documents.
func (s *Service) workflowCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "search_workflows", Title: "Search workflows", Group: "Workflows", Scope: auth.ScopeWorkflowsRead,
			ReadOnly: true, Idempotent: true,
			Description: "Lists your workflows, newest change first or as sorted. Use it to find a workflow_id; then get_workflow shows one whole.",
			Routes:      []Route{{Method: "GET", Path: "/workflows", Status: 200}},
		}, s.SearchWorkflows, textWorkflows),
		row(Capability{
			Name: "get_workflow", Title: "Get a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsRead,
			ReadOnly: true, Idempotent: true,
			Description: "Returns one workflow: nodes, connections, settings, and how it can be started (webhook addresses included). Read it before update_workflow. detail: summary leaves out parameters; nodes limits it to some nodes.",
			Routes:      []Route{{Method: "GET", Path: "/workflows/{workflow_id}", Status: 200}},
		}, s.Workflow, textWorkflow),
		row(Capability{
			Name: "create_workflow", Title: "Create a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsWrite,
			Description: "Saves a new workflow from nodes and connections and says whether it can run. Look nodes up with get_node_types and get_node_details first. A workflow with errors is kept; mend it with update_workflow. Then execute_workflow runs it, or activate_workflow arms its webhooks.",
			Routes:      []Route{{Method: "POST", Path: "/workflows", Status: 201}},
		}, s.CreateWorkflow, textSaved),
		row(Capability{
			Name: "update_workflow", Title: "Update a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsWrite, Destructive: true,
			Description: "Changes a workflow. Prefer operations: small steps (add_node, update_node, connect, …) done all or none, e.g. [{\"op\":\"update_node\",\"name\":\"Fetch\",\"set\":{\"parameters\":{\"url\":\"https://example.com\"}}},{\"op\":\"connect\",\"from\":\"Fetch\",\"to\":\"Filter\"}]. Or give fields that replace the stored ones (nodes and connections as a whole). Give the version you read, so that a change made meanwhile by somebody else is not overwritten. Earlier versions are kept: list_workflow_versions.",
			Routes:      []Route{{Method: "PUT", Path: "/workflows/{workflow_id}", Status: 200}},
		}, s.UpdateWorkflow, textSaved),
		row(Capability{
			Name: "list_workflow_versions", Title: "List a workflow's versions", Group: "Workflows", Scope: auth.ScopeWorkflowsRead,
			ReadOnly: true, Idempotent: true,
			Description: "Lists a workflow's earlier saves, newest first, with what changed in each. get_workflow with version shows one whole; restore_workflow_version brings one back.",
			Routes:      []Route{{Method: "GET", Path: "/workflows/{workflow_id}/versions", Status: 200}},
		}, s.Versions, textVersions),
		row(Capability{
			Name: "restore_workflow_version", Title: "Restore a workflow's version", Group: "Workflows", Scope: auth.ScopeWorkflowsWrite, Destructive: true,
			Description: "Saves an earlier version's document again, as the newest version. Nothing is lost: what it replaces stays in the list of versions.",
			Routes:      []Route{{Method: "POST", Path: "/workflows/{workflow_id}/versions/{version}/restore", Status: 200}},
		}, s.RestoreVersion, textSaved),
		row(Capability{
			Name: "validate_workflow", Title: "Validate a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsRead, ReadOnly: true, Idempotent: true,
			Description: "Checks a stored workflow (workflow_id) or a document (nodes, connections) without saving or running it. Each finding names the node, the place, the fault and the mend. Saving does the same check.",
			Routes: []Route{{Method: "POST", Path: "/workflows/{workflow_id}/validate", Status: 200},
				{Method: "POST", Path: "/workflows/validate", Status: 200}},
		}, s.ValidateWorkflow, textValidation),
		row(Capability{
			Name: "activate_workflow", Title: "Activate a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsWrite, Idempotent: true, OpenWorld: true,
			Description: "Arms the workflow's triggers: from then on its webhook addresses, which the answer lists, start executions. Fails with the list of faults when the workflow cannot run, or when another workflow holds the path.",
			Routes:      []Route{{Method: "POST", Path: "/workflows/{workflow_id}/activate", Status: 200}},
		}, s.ActivateWorkflow, textActivation),
		row(Capability{
			Name: "deactivate_workflow", Title: "Deactivate a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsWrite, Idempotent: true,
			Description: "Disarms the workflow's triggers: its webhook addresses answer 404 from then on. Executions under way go on.",
			Routes:      []Route{{Method: "POST", Path: "/workflows/{workflow_id}/deactivate", Status: 200}},
		}, s.DeactivateWorkflow, textActivation),
		row(Capability{
			Name: "test_webhook", Title: "Test a webhook", Group: "Workflows", Scope: auth.ScopeWorkflowsExecute, OpenWorld: true, RESTOnly: true,
			Description: "Has the workflow's webhooks take one call between them at their test addresses, which the answer lists, within two minutes. It runs the newest version by hand, active or not, and answers as in production.",
			Routes:      []Route{{Method: "POST", Path: "/workflows/{workflow_id}/test-webhook", Status: 200}},
		}, s.ArmTestWebhook, textTestArmed),
		asking(row(Capability{
			Name: "delete_workflow", Title: "Delete a workflow", Group: "Workflows", Scope: auth.ScopeWorkflowsWrite, Destructive: true, Idempotent: true,
			Description: "Deletes a workflow with all of its versions and executions, for good. The person is asked where the client can ask; else it needs confirm: true, and you have to ask first.",
			Routes:      []Route{{Method: "DELETE", Path: "/workflows/{workflow_id}", Status: 200, Fixed: map[string]any{"confirm": true}}},
		}, s.DeleteWorkflow, textDeleted), s.questionDeletion),
	}
}

// executionCapabilities are what can be done with runs of documents.
func (s *Service) executionCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "execute_workflow", Title: "Run a workflow", Group: "Executions", Scope: auth.ScopeWorkflowsExecute, OpenWorld: true, Destructive: true,
			Description: "Runs the newest version of a workflow. The execution is recorded first and survives restarts. Waits up to wait_seconds (20) and then returns status, result or the failing node; when status is still running, ask get_execution later. With start_from_node and execution_id it runs that node and what follows, with the earlier execution's data. Give an idempotency_key to make a repeated call safe.",
			Routes:      []Route{{Method: "POST", Path: "/workflows/{workflow_id}/execute", Status: 202, Fixed: map[string]any{}}},
		}, s.ExecuteWorkflow, textExecution),
		row(Capability{
			Name: "get_execution", Title: "Get an execution", Group: "Executions", Scope: auth.ScopeExecutionsRead, ReadOnly: true, Idempotent: true,
			Description: "Returns where an execution stands and what came of it; always the failing node and its message. detail: nodes shows what every node put out; node_names limits that to some nodes.",
			Routes:      []Route{{Method: "GET", Path: "/executions/{execution_id}", Status: 200}},
		}, s.Execution, textExecution),
		row(Capability{
			Name: "list_executions", Title: "List executions", Group: "Executions", Scope: auth.ScopeExecutionsRead, ReadOnly: true, Idempotent: true,
			Description: "Lists your executions, newest first, optionally of one workflow, of one status, or since a time. get_execution shows one whole.",
			Routes: []Route{{Method: "GET", Path: "/executions", Status: 200},
				{Method: "GET", Path: "/workflows/{workflow_id}/history", Status: 200}},
		}, s.ListExecutions, textExecutions),
		row(Capability{
			Name: "get_execution_logs", Title: "Get an execution's log", Group: "Executions", Scope: auth.ScopeExecutionsRead, ReadOnly: true, Idempotent: true,
			Description: "Returns an execution's events in order: when each node started, finished or failed, how long it took and how many items it put out. Read on with after = next_after.",
			Routes:      []Route{{Method: "GET", Path: "/executions/{execution_id}/logs", Status: 200}},
		}, s.ExecutionLogs, textLogs),
		row(Capability{
			Name: "cancel_execution", Title: "Cancel an execution", Group: "Executions", Scope: auth.ScopeExecutionsWrite, Destructive: true, Idempotent: true,
			Description: "Stops a queued, running or waiting execution. What its nodes did already is not undone. Fails when it has finished.",
			Routes:      []Route{{Method: "POST", Path: "/executions/{execution_id}/cancel", Status: 200}},
		}, s.CancelExecution, textExecution),
		asking(row(Capability{
			Name: "resume_execution", Title: "Answer a waiting execution", Group: "Executions", Scope: auth.ScopeExecutionsWrite, OpenWorld: true, Destructive: true,
			Description: "Answers what a waiting execution waits for: waiting_for of get_execution says what is asked. An approval takes {approved, comment}, a form its fields by name. Do not decide for the person: ask first, or leave response out, and the person is asked where the client can. Returns where the execution stands then.",
			Routes:      []Route{{Method: "POST", Path: "/executions/{execution_id}/resume", Status: 200}},
		}, s.ResumeExecution, textExecution), s.questionResume),
		row(Capability{
			Name: "retry_execution", Title: "Retry an execution", Group: "Executions", Scope: auth.ScopeExecutionsWrite, OpenWorld: true, Destructive: true,
			Description: "Starts a failed, cancelled or timed out execution again as a new one, of the same workflow version. from: failed_node (default) uses the recorded items of nodes that finished and does not repeat their effects; start does everything again. To use a changed workflow, run execute_workflow with start_from_node.",
			Routes:      []Route{{Method: "POST", Path: "/executions/{execution_id}/retry", Status: 202}},
		}, s.RetryExecution, textExecution),
	}
}

// nodeCapabilities tell what documents are made of.
func (s *Service) nodeCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "get_node_types", Title: "List node types", Group: "Nodes", Scope: auth.ScopeNodesRead, ReadOnly: true, Idempotent: true,
			Description: "Lists the kinds of node a workflow can be made of, by category, optionally filtered by words. Start here when building a workflow; then get_node_details for those you will use.",
			Routes:      []Route{{Method: "GET", Path: "/node-types", Status: 200}},
		}, s.NodeTypes, textNodeTypes),
		row(Capability{
			Name: "get_node_details", Title: "Get node types in full", Group: "Nodes", Scope: auth.ScopeNodesRead, ReadOnly: true, Idempotent: true,
			Description: "Returns for each node type asked for its parameters as a JSON schema, its inputs and outputs, and ready examples. Unknown types are answered with near names.",
			Routes:      []Route{{Method: "POST", Path: "/node-types/details", Status: 200}},
		}, s.NodeDetails, textNodeDetails),
	}
}
