package kube

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/rest"
)

func TestGreet(t *testing.T) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	date, status := time.Now(), http.StatusOK
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prefix/version" {
			t.Errorf("it asks for %s", r.URL.Path)
		}
		w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
		w.WriteHeader(status)
	}))
	defer server.Close()
	c, err := Open("c", &rest.Config{Host: server.URL + "/prefix", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}, logrus.NewEntry(logger))
	if err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		date = time.Now().Add(-ahead)
		greeting, err := c.Greet(t.Context())
		if err != nil || (greeting.Skew-ahead).Abs() > time.Minute { // on a machine that is slow, too
			t.Errorf("%s ahead: %v, %v", ahead, greeting.Skew, err)
		}
		if !greeting.ServerCertificate.Equal(server.Certificate().NotAfter) || !greeting.ClientCertificate.IsZero() {
			t.Errorf("certificates: %+v", greeting)
		}
	}
	status = http.StatusServiceUnavailable
	if _, err := c.Greet(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("an API server that is not ready: %v", err)
	}
	server.Close()
	if _, err := c.Greet(t.Context()); !IsUnreachable(err) {
		t.Errorf("no API server: %v", err)
	}
}

func TestExpiryOfCertificates(t *testing.T) {
	for _, text := range []string{"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if at := expiry([]byte(text)); !at.IsZero() {
			t.Errorf("%q expires at %s", text, at)
		}
	}
}
