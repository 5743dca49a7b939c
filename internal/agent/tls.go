package agent

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"flowgate/internal/workflow"

	"google.golang.org/grpc/credentials"
)

// TLS secures connections from other processes. Files are PEM, read once.
type TLS struct {
	CertFile string // the server's certificate, with KeyFile
	KeyFile  string
	// ClientCAFile, where given, demands a client certificate signed by one of
	// its roots.
	ClientCAFile string
	// Insecure allows listening without TLS: everything, tokens included,
	// travels in the clear.
	Insecure bool
}

// credentials returns nil for plain text.
func (t TLS) credentials() (credentials.TransportCredentials, error) {
	if t.CertFile == "" && t.KeyFile == "" && t.ClientCAFile == "" {
		return nil, nil
	}
	if t.Insecure {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The workflow agent is set both insecure and with TLS files; choose one.")
	}
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The workflow agent's certificate cannot be loaded.")
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if t.ClientCAFile != "" {
		pem, err := os.ReadFile(t.ClientCAFile)
		if err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "The file of client CAs cannot be read.")
		}
		conf.ClientCAs, conf.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !conf.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, workflow.Errorf(workflow.CodeInvalid, "The file of client CAs %s holds no certificate.", t.ClientCAFile)
		}
	}
	return credentials.NewTLS(conf), nil
}
