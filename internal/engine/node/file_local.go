package node

import (
	"context"

	"flowgate/internal/workflow"
)

// localFiles stands for the node types that read or write files of the
// server. They are known so that a document that holds one is told why it
// cannot run.
func localFiles() *Type {
	const name = "n8n-nodes-base.readWriteFile"
	return &Type{
		Name: name, DisplayName: "Files on the Server (refused)", Category: workflow.CategoryExternalAction,
		Aliases:     []string{"n8n-nodes-base.readBinaryFile", "n8n-nodes-base.readBinaryFiles", "n8n-nodes-base.writeBinaryFile", "n8n-nodes-base.localFileTrigger"},
		Description: "Not available: workflows cannot read or write files of the server. Fetch files with an HTTP Request, take them in by a Webhook, or keep them in the item.",
		Versions:    []float64{1}, Params: localFileParams{},
		Examples:    []workflow.NodeExample{example("Refused; found in documents from elsewhere", name, 1, `{}`)},
		Check: func(n *workflow.Node) []workflow.Finding {
			return []workflow.Finding{{Code: "refused_node_type", Node: n.Name, Path: "type", Message: localFilesRefused, Hint: localFilesHint}}
		},
		Run: func(context.Context, *Call) (Output, error) {
			return Output{}, &Failure{Message: localFilesRefused, Description: localFilesHint}
		},
	}
}

// localFileParams takes any parameters: the node does not run.
type localFileParams struct {
	Options any `json:"options" expr:"no"`
}

const (
	localFilesRefused = "Workflows cannot read or write files of the server."
	localFilesHint    = "Fetch the file with an HTTP Request, take it in by a Webhook, or make it with Convert to File."
)
