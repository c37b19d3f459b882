package kube

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Greeting is what an answer of the API server shows, whatever it says.
type Greeting struct {
	Skew              time.Duration // how far this machine's clock is ahead of the API server's, to about a second
	ClientCertificate time.Time     // when the server's own expires; zero: it has none
	ServerCertificate time.Time     // when the API server's expires; zero: it has none
}

// selfReviews answer the question who asks.
var selfReviews = schema.GroupVersionResource{Group: "authentication.k8s.io", Version: "v1", Resource: "selfsubjectreviews"}

// Self returns the user as whom the cluster knows the caller.
func (c *Cluster) Self(ctx context.Context) (user string, err error) {
	review := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}}
	answer, err := c.dynamic.Resource(selfReviews).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return "", c.wrap("ask for the user", err)
	}
	user, _, err = unstructured.NestedString(answer.Object, "status", "userInfo", "username")
	return user, err
}

// expiry is when the first certificate of a PEM text expires; the zero time if there is none.
func expiry(text []byte) time.Time {
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return certificate.NotAfter
}

// ownExpiry is when the client's certificate of a configuration expires; the zero time if
// it has none.
func ownExpiry(cfg *rest.Config) time.Time {
	cfg = rest.CopyConfig(cfg)
	if rest.LoadTLSFiles(cfg) != nil {
		return time.Time{} // whoever connects says so
	}
	return expiry(cfg.CertData)
}

// Greet asks the API server for its version, and looks at the answer's head.
func (c *Cluster) Greet(ctx context.Context) (Greeting, error) {
	greeting, err := greet(ctx, c.own().greeter)
	greeting.ClientCertificate = c.own().link.now.Load().expires
	return greeting, c.wrap("ask for the time", err)
}

func greet(ctx context.Context, client *http.Client) (Greeting, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, somewhere+"/version", http.NoBody)
	if err != nil {
		return Greeting{}, err
	}
	began := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return Greeting{}, err
	}
	took := time.Since(began)
	defer func() { _ = response.Body.Close() }() // only read
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode != http.StatusOK {
		return Greeting{}, fmt.Errorf("the API server answers %s", response.Status)
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return Greeting{}, errors.New("the API server's answer has no date")
	}
	// Date is cut to a second, and was written at some time between the two.
	greeting := Greeting{Skew: began.Add(took / 2).Sub(date.Add(time.Second / 2))}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		greeting.ServerCertificate = response.TLS.PeerCertificates[0].NotAfter
	}
	return greeting, nil
}
