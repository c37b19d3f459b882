package cluster

import (
	"net/http"
	"testing"

	"k8s.io/client-go/rest"
)

// TestPriorityAndFairness: the API server names the flow of each request. Clients such as
// kubectl, Flux and Argo CD see by it that they need not limit themselves.
func TestPriorityAndFairness(t *testing.T) {
	t.Parallel()
	client(t) // starts the shared cluster
	config := shared.cluster.Config
	requests, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := requests.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"} {
		if answer.Header.Get(header) == "" {
			t.Errorf("header %s is missing from the answer: %v", header, answer.Header)
		}
	}
}
