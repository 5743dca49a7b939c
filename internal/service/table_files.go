package service

import (
	"fmt"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// fileCapabilities are what can be done with files: a person's doing, since
// models have no use for bytes.
func (s *Service) fileCapabilities() []*Capability {
	return []*Capability{
		rawRow[UploadFileInput, FileView](Capability{
			Name: "upload_file", Title: "Upload a file", Group: "Files", Scope: auth.ScopeFilesWrite,
			Description: "Keeps a file: the body as it is (with ?name=), or the file of a multipart form. A Content-Digest header is checked. Workflows read it when execute is given its file_id under files.",
			Routes:      []Route{{Method: "POST", Path: "/files", Status: 201}},
		}),
		row(Capability{
			Name: "list_files", Title: "List files", Group: "Files", Scope: auth.ScopeFilesRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists your files, newest first, and how much room they take.",
			Routes:      []Route{{Method: "GET", Path: "/files", Status: 200}},
		}, s.ListFiles, func(o *ListFilesOutput) string { return fmt.Sprintf("%d files", len(o.Files)) }),
		rawRow[FileRef, FileView](Capability{
			Name: "download_file", Title: "Download a file", Group: "Files", Scope: auth.ScopeFilesRead, ReadOnly: true, Idempotent: true,
			Description: "Answers with the file's content, whole or in ranges, as an attachment. Its checksum is in Repr-Digest and the ETag.",
			Routes:      []Route{{Method: "GET", Path: "/files/{file_id}", Status: 200}, {Method: "HEAD", Path: "/files/{file_id}", Status: 200}},
		}),
		row(Capability{
			Name: "delete_file", Title: "Delete a file", Group: "Files", Scope: auth.ScopeFilesWrite, Destructive: true, Idempotent: true, RESTOnly: true,
			Description: "Deletes a file for good. Executions that were given it cannot read it any more.",
			Routes:      []Route{{Method: "DELETE", Path: "/files/{file_id}", Status: 200}},
		}, s.DeleteFile, func(d *DeletedFile) string { return "deleted " + d.FileID }),
		rawRow[ExecutionFileInput, FileView](Capability{
			Name: "download_execution_file", Title: "Download a file of an execution", Group: "Files", Scope: auth.ScopeExecutionsRead, ReadOnly: true, Idempotent: true,
			Description: "Answers with the content of a file that a node put out, as an attachment.",
			Routes:      []Route{{Method: "GET", Path: "/executions/{execution_id}/files", Status: 200}, {Method: "HEAD", Path: "/executions/{execution_id}/files", Status: 200}},
		}),
	}
}

// streamCapabilities are what is followed live.
func (s *Service) streamCapabilities() []*Capability {
	return []*Capability{
		rawRow[FollowInput, workflow.Event](Capability{
			Name: "follow_execution", Title: "Follow an execution", Group: "Executions", Scope: auth.ScopeExecutionsRead, ReadOnly: true, Idempotent: true,
			Description: "Sends an execution's events as server-sent events: those so far, then each as it happens, to the end of the execution. Resumes behind Last-Event-ID or after. Answers 204 when nothing is left to tell.",
			Routes:      []Route{{Method: "GET", Path: "/executions/{execution_id}/logs/stream", Status: 200}},
		}),
		rawRow[ExecutionRef, Ticket](Capability{
			Name: "create_execution_ticket", Title: "Get a ticket to follow an execution", Group: "Executions", Scope: auth.ScopeExecutionsRead, Idempotent: true,
			Description: "Gives an address that opens the execution's stream for ten minutes without a header, for EventSource clients.",
			Routes:      []Route{{Method: "POST", Path: "/executions/{execution_id}/ticket", Status: 201}},
		}),
	}
}

// FollowInput names an execution and where to begin.
type FollowInput struct {
	ExecutionID string `json:"execution_id"`
	After       int64  `json:"after,omitempty" min:"0" jsonschema:"only events behind this seq; Last-Event-ID goes before it"`
	Ticket      string `json:"ticket,omitempty" jsonschema:"in place of signing in, from POST …/ticket"`
}

// Ticket opens one stream for ten minutes, in place of a header.
type Ticket struct {
	Ticket    string    `json:"ticket"`
	URL       string    `json:"url" jsonschema:"the stream with the ticket"`
	ExpiresAt time.Time `json:"expires_at"`
}
