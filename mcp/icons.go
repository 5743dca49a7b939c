package mcp

import (
	_ "embed"
	"encoding/base64"

	protocol "github.com/mark3labs/mcp-go/mcp"
)

//go:embed icon.svg
var iconSVG []byte

// icons show the product beside its name.
func icons() []protocol.Icon {
	return []protocol.Icon{{Src: "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(iconSVG), MIMEType: "image/svg+xml", Sizes: []string{"any"}}}
}
