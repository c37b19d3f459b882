package kube

import (
	"net/http"
	"reflect"
	"testing"
	"time"
)

func TestVerbOf(t *testing.T) {
	for _, test := range []struct{ method, url, want string }{
		{"GET", "/api/v1/namespaces/shop/configmaps/web", "get"},
		{"GET", "/api/v1/namespaces/shop", "get"},
		{"GET", "/api/v1/namespaces", "list"},
		{"GET", "/api/v1/configmaps?labelSelector=a&limit=500", "list"},
		{"GET", "/api/v1/namespaces/shop/configmaps", "list"},
		{"GET", "/apis/apps/v1/namespaces/shop/deployments/web/scale", "get"},
		{"GET", "/apis/apps/v1/deployments?watch=true", "watch"},
		{"GET", "/apis/apps/v1", "discover"},
		{"GET", "/apis", "discover"},
		{"GET", "/version", "discover"},
		{"GET", "/openapi/v3/apis/apps/v1", "discover"},
		{"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All", "dry-run"},
		{"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web?force=true", "apply"},
		{"POST", "/api/v1/namespaces/shop/configmaps", "create"},
		{"PUT", "/api/v1/namespaces/shop/configmaps/web", "update"},
		{"DELETE", "/api/v1/namespaces/shop/configmaps/web", "delete"},
	} {
		request, err := http.NewRequest(test.method, "https://127.0.0.1"+test.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := verbOf(request); got != test.want {
			t.Errorf("%s %s is a %s, want %s", test.method, test.url, got, test.want)
		}
	}
}

func TestLatencies(t *testing.T) {
	m := &meter{}
	if got := m.latencies(); len(got) != 0 {
		t.Fatalf("before any request, the latencies are %v", got)
	}
	for range 98 {
		m.note("get", 3*time.Millisecond, false)
	}
	m.note("get", 150*time.Millisecond, false)
	m.note("get", time.Hour, true)
	m.note("apply", time.Microsecond, false)
	got := m.latencies()
	want := []Latency{
		{Verb: "apply", Count: 1, Median: time.Millisecond, P99: time.Millisecond, MedianSeconds: 0.001, P99Seconds: 0.001},
		{Verb: "get", Count: 100, Failed: 1, Median: 5 * time.Millisecond, P99: 200 * time.Millisecond, MedianSeconds: 0.005, P99Seconds: 0.2},
	}
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	if sum, within := got[1].Sum, got[1].Within; sum != time.Hour+150*time.Millisecond+98*3*time.Millisecond || within[0.002] != 0 || within[0.005] != 98 || within[20] != 99 || len(within) != len(steps)-1 {
		t.Errorf("the gets took %v together, and are distributed as %v", sum, within)
	}
	for i, is := range got {
		is.Sum, is.Within = 0, nil
		if !reflect.DeepEqual(is, want[i]) {
			t.Errorf("got %+v, want %+v", is, want[i])
		}
	}
}
