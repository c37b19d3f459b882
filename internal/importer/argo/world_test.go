package argo

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// TestClustersOfDestinations: a cluster of others is none, by its address too, and of two names of
// one address it is always the first.
func TestClustersOfDestinations(t *testing.T) {
	servers := map[string]string{"default": "https://home:6443", "eu": "https://eu:6443/", "eu-2": "https://eu:6443", "theirs": "https://theirs:6443"}
	mine := appfile.Clusters{"default": nil, "eu": nil, "eu-2": nil}
	one := appfile.Clusters{"eu": nil}
	for _, test := range []struct {
		clusters      appfile.Clusters
		server, named string
		want          string
		known         bool
	}{
		{mine, "https://kubernetes.default.svc", "", "default", true},
		{mine, "https://kubernetes.default.svc/", "", "default", true},
		{mine, "", "in-cluster", "default", true},
		{mine, "https://home:6443", "", "default", true},
		{mine, "https://eu:6443", "", "eu", true},
		{mine, "", "eu-2", "eu-2", true},
		{mine, "https://theirs:6443", "", "https://theirs:6443", false},
		{mine, "", "theirs", "theirs", false},
		{one, "https://kubernetes.default.svc", "", "eu", true},
		{one, "", "in-cluster", "eu", true},
		{one, "", "default", "default", false},
		{appfile.Clusters{"eu": nil, "us": nil}, "", "in-cluster", "default", false},
		{nil, "https://home:6443/", "", "default", true},
		{nil, "https://eu:6443", "", "https://eu:6443", false},
	} {
		w := worldFrom(meaning.World{Clusters: test.clusters, Servers: servers})
		if got, known := w.clusterOf(test.server, test.named); got != test.want || known != test.known {
			t.Errorf("%q, %q with %v: got %q, %v", test.server, test.named, test.clusters, got, known)
		}
	}
}
