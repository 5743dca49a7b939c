package web

import (
	"context"
	"net"
	"net/http"
	"testing"

	"flowgate/internal/workflow"
)

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	var w *world
	stopped := make(chan struct{})
	w = newWorld(t, func(o *Options) {
		o.OnStop = func() { close(stopped) }
		o.Webhook = func(context.Context, workflow.WebhookCall) (*workflow.Response, error) {
			close(started)
			<-release
			return &workflow.Response{Status: 200, Body: []byte("done")}, nil
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Start(ctx, l) }()
	answers := make(chan reply, 1)
	go func() { answers <- w.send(t, "POST", "/webhook/x", "{}") }()
	<-started
	cancel()
	<-stopped
	if !w.stopping.Load() {
		t.Error("still ready")
	}
	close(release)
	if r := <-answers; r.status != 200 || r.body != "done" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Start: %v", err)
	}
	if _, err := http.Get(w.url + "/livez"); err == nil {
		t.Error("still listening")
	}
}
