package service

import (
	"fmt"
	"strings"
)

// The text twins of results that models do not get; logs and tests may.

func textCredentials(o *ListCredentialsOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d credentials", len(o.Credentials))
	for i := range o.Credentials {
		b.WriteString("\n" + textCredential(&o.Credentials[i]))
	}
	if o.NextCursor != "" {
		fmt.Fprintf(&b, "\nmore: cursor %s", o.NextCursor)
	}
	return b.String()
}

func textCredential(c *CredentialView) string {
	return fmt.Sprintf("%s  %s (%s)", c.CredentialID, c.Name, c.Type)
}

func textCredentialTypes(o *CredentialTypesOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d types", len(o.Types))
	for _, t := range o.Types {
		fmt.Fprintf(&b, "\n%s: %s", t.Type, strings.Join(t.names(), ", "))
	}
	return b.String()
}

func textDeletedCredential(d *DeletedCredential) string { return d.CredentialID + " is deleted" }

func textCredentialCheck(c *CredentialCheck) string {
	if c.OK {
		return c.CredentialID + " works: " + c.Message
	}
	return c.CredentialID + " does not work: " + c.Message
}

func textTestArmed(a *TestArmed) string {
	return fmt.Sprintf("%s takes one test call until %s\n%s", a.WorkflowID, a.ExpiresAt.Format("15:04:05"), textTriggers(a.Triggers))
}
