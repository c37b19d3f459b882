package health

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestEveryBuiltInKindHasItsPlace compares the tables with the kinds of the Kubernetes
// version with which this module is built.
func TestEveryBuiltInKindHasItsPlace(t *testing.T) {
	// These kinds are requests to the API server, which it does not store.
	questions := kinds(map[string][]string{
		"":                      {"PodStatusResult", "RangeAllocation"},
		"authentication.k8s.io": {"SelfSubjectReview", "TokenRequest", "TokenReview"},
		"authorization.k8s.io":  {"LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"},
		"autoscaling":           {"Scale"},
		"apps":                  {"DeploymentRollback", "Scale"},
		"imagepolicy.k8s.io":    {"ImageReview"},
		"policy":                {"Eviction"},
	})
	known := 0
	for gvk := range scheme.Scheme.AllKnownTypes() {
		gk := gvk.GroupKind()
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			t.Fatal(err)
		}
		_, listErr := meta.ListAccessor(object)
		_, objectErr := meta.Accessor(object)
		if objectErr != nil || listErr == nil && strings.HasSuffix(gk.Kind, "List") || gk.Kind == "Binding" || gk.Kind == "PodLogOptions" {
			continue // options, lists, and the events of a watch
		}
		if gk.Group == "extensions" || questions[gk] {
			continue // extensions has not been served since 1.22
		}
		known++
		if _, judged := table[gk]; judged == plain[gk] {
			t.Errorf("%s: in table: %v, in plain: %v; it has to be in one of the two", gk, judged, plain[gk])
		}
	}
	if known < 60 {
		t.Errorf("the scheme has only %d kinds", known)
	}
	for gk := range plain {
		if !scheme.Scheme.IsGroupRegistered(gk.Group) {
			t.Errorf("plain has %s, which is no built-in kind", gk)
		}
	}
}

func TestNeedsBody(t *testing.T) {
	for gk, want := range map[schema.GroupKind]bool{
		{Kind: "ConfigMap"}:                    false,
		{Kind: "Pod"}:                          true,
		{Group: "example.org", Kind: "Widget"}: true,
	} {
		if got := NeedsBody(gk); got != want {
			t.Errorf("%s: %v, want %v", gk, got, want)
		}
	}
}
