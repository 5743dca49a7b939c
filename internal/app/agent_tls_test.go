package app_test

import (
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
	"testing"
	"time"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// selfSigned writes a certificate for this machine's address that is its own
// authority, and its key.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "drill"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

// TestAgentTLS points gateways with wrong and right certificates at an agent
// that demands them: the wrong ones say that there is no agent, and none of
// them speaks in the clear instead.
func TestAgentTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	clientCert, clientKey := selfSigned(t)
	otherCert, otherKey := selfSigned(t)
	dataDir, port := t.TempDir(), freePort(t)
	startAgentEnv(t, dataDir, port, []string{"WORKFLOW_SERVICE_CERT=" + cert, "WORKFLOW_SERVICE_KEY=" + key}, "--client-ca", clientCert)
	for _, tt := range []struct {
		name     string
		settings map[string]string
		works    bool
	}{
		{"an authority that did not sign the agent", map[string]string{"workflow_service_ca": otherCert, "workflow_service_cert": clientCert, "workflow_service_key": clientKey}, false},
		{"no client certificate", map[string]string{"workflow_service_ca": cert}, false},
		{"another client certificate", map[string]string{"workflow_service_ca": cert, "workflow_service_cert": otherCert, "workflow_service_key": otherKey}, false},
		{"in the clear", map[string]string{"workflow_service_insecure": "true"}, false},
		{"as it must be", map[string]string{"workflow_service_ca": cert, "workflow_service_cert": clientCert, "workflow_service_key": clientKey}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.settings["data_dir"], tt.settings["workflow_service_host"], tt.settings["workflow_service_port"] = dataDir, "127.0.0.1", port
			w := newTalker(t, tt.settings)
			var s service.StartedSession
			w.must("start_session", object{}, &s)
			var a service.Answer
			err := w.call("send_message", object{"session_id": s.SessionID, "message": "Fetch https://a.example.com/x every hour"}, &a)
			if tt.works && (err != nil || a.WorkflowID == "") || !tt.works && workflow.CodeOf(err) != workflow.CodeUnavailable {
				t.Errorf("%v, %+v", err, a)
			}
			if health := w.app.Agent.Health(w.ctx); (health == nil) != tt.works {
				t.Errorf("health says %v", health)
			}
		})
	}
}
