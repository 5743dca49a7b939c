package node

// LocalFileHint says what to do about a node type that reads or writes files
// of the server, which no document may; "" for other types. Such types are
// not in All, so documents that hold one are refused.
func LocalFileHint(typeName string) string {
	switch typeName {
	case "n8n-nodes-base.readWriteFile", "n8n-nodes-base.readBinaryFile", "n8n-nodes-base.readBinaryFiles",
		"n8n-nodes-base.writeBinaryFile", "n8n-nodes-base.localFileTrigger":
		return "Workflows cannot read or write files of the server. Fetch the file with an HTTP Request, take it in by a Webhook, or make it with Convert to File."
	}
	return ""
}
