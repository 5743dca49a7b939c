package grpcclient

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"flowgate/internal/workflow"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// TLS secures the connection to the agent. The zero value trusts the system's
// roots. Files are PEM, read once.
type TLS struct {
	CAFile     string // roots to trust instead of the system's
	CertFile   string // client certificate for mutual TLS, with KeyFile
	KeyFile    string
	ServerName string // name in the server's certificate where it is not the target's host
	// Insecure turns TLS off: everything, tokens included, travels in the
	// clear. Never the default for an agent in another process.
	Insecure bool
}

// credentials returns what the connection is made with. Without a word about
// TLS, an in-process connection needs none.
func (t TLS) credentials(inProcess bool) (credentials.TransportCredentials, error) {
	if inProcess && t == (TLS{}) {
		return insecure.NewCredentials(), nil
	}
	if t.Insecure {
		if t != (TLS{Insecure: true}) {
			return nil, workflow.Errorf(workflow.CodeInvalid, "The workflow agent's connection is set both insecure and with TLS files; choose one.")
		}
		return insecure.NewCredentials(), nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "The workflow agent's CA file cannot be read.")
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, workflow.Errorf(workflow.CodeInvalid, "The workflow agent's CA file %s holds no certificate.", t.CAFile)
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "The client certificate for the workflow agent cannot be loaded.")
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return credentials.NewTLS(conf), nil
}
