package grpcclient_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
)

// selfSigned writes a certificate for name that is its own CA.
func selfSigned(t *testing.T, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, "agent.test")
	clientCert, clientKey := selfSigned(t, "gateway.test")
	other, otherKey := selfSigned(t, "agent.test")
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, agent.Options{
		Engine: &engine{cancel: func(context.Context, string, string) error { return nil }},
		TLS:    agent.TLS{CertFile: cert, KeyFile: key, ClientCAFile: clientCert},
	}, lis)
	for name, tt := range map[string]struct {
		tls  grpcclient.TLS
		says string
	}{
		"right":          {grpcclient.TLS{CAFile: cert, CertFile: clientCert, KeyFile: clientKey, ServerName: "agent.test"}, ""},
		"wrong CA":       {grpcclient.TLS{CAFile: other, CertFile: clientCert, KeyFile: clientKey, ServerName: "agent.test"}, "certificate signed by unknown authority"},
		"system's roots": {grpcclient.TLS{ServerName: "agent.test"}, "certificate signed by unknown authority"},
		"wrong name":     {grpcclient.TLS{CAFile: cert, CertFile: clientCert, KeyFile: clientKey, ServerName: "b.test"}, "not b.test"},
		"no client cert": {grpcclient.TLS{CAFile: cert, ServerName: "agent.test"}, ""},                                     // the alert may be lost with the connection
		"wrong client":   {grpcclient.TLS{CAFile: cert, CertFile: other, KeyFile: otherKey, ServerName: "agent.test"}, ""}, // the alert may be lost with the connection
		"plain text":     {grpcclient.TLS{Insecure: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, grpcclient.Options{Target: lis.Addr().String(), TLS: tt.tls, ReadyTimeout: 2 * time.Second})
			err := c.Cancel(t.Context(), "ann", "e")
			if name == "right" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantCode(t, err, workflow.CodeUnavailable)
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
		})
	}
}

// TestInsecureIsSaid: neither end goes without TLS on its own.
func TestInsecureIsSaid(t *testing.T) {
	t.Parallel()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := agent.NewServer(agent.Options{Engine: &engine{}, Verify: verify})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Serve(t.Context(), lis), workflow.CodeInvalid)

	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, agent.Options{Engine: &engine{}, TLS: agent.TLS{Insecure: true}}, plain)
	c := dial(t, grpcclient.Options{Target: plain.Addr().String(), ReadyTimeout: 2 * time.Second})
	err = c.Health(t.Context())
	if wantCode(t, err, workflow.CodeUnavailable); !strings.Contains(err.Error(), "tls") {
		t.Errorf("%q does not speak of TLS", err)
	}
}
