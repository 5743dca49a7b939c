package node

import "time"

// zone is the workflow's time zone, UTC where the host does not say.
func (c *Call) zone() *time.Location {
	if c.Host != nil {
		if loc := c.Host.Location(); loc != nil {
			return loc
		}
	}
	return time.UTC
}
