package deploy

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// A set that a takeover has stopped is started again as Git has it.
func TestSetsAreStarted(t *testing.T) {
	set := func(policy string, automated map[string]any) map[string]any {
		object := map[string]any{"metadata": map[string]any{"name": "pages"}}
		if policy != "" {
			_ = unstructured.SetNestedField(object, policy, "spec", "syncPolicy", "applicationsSync")
		}
		if automated != nil {
			_ = unstructured.SetNestedMap(object, automated, "spec", "template", "spec", "syncPolicy", "automated")
		}
		return object
	}
	ref := meaning.Ref{Kind: "Application", Namespace: "argocd", Name: "page"}
	const patch = "kubectl -n argocd patch "
	for what, test := range map[string]struct {
		live, written map[string]any
		want          string
		all           bool
	}{
		"the takeover stopped it":         {set("create-only", nil), set("", nil), patch + `applicationset pages --type merge -p '{"spec":{"syncPolicy":{"applicationsSync":null}}}'`, true},
		"Git has another policy":          {set("create-only", nil), set("create-update", nil), patch + `applicationset pages --type merge -p '{"spec":{"syncPolicy":{"applicationsSync":"create-update"}}}'`, true},
		"Git does not have it":            {set("create-only", nil), nil, patch + `applicationset pages --type merge -p '{"spec":{"syncPolicy":{"applicationsSync":null}}}'`, true},
		"it goes on":                      {set("sync", nil), set("", nil), "", false},
		"Git has it create alone":         {set("create-only", nil), set("create-delete", map[string]any{"prune": true}), patch + `application page --type merge -p '{"spec":{"syncPolicy":{"automated":{"prune":true}}}}'`, false},
		"and the Application waits, then": {set("create-only", nil), set("create-only", nil), "", false},
	} {
		command, all := startSet(test.live, test.written, ref)
		if command != test.want || all != test.all {
			t.Errorf("%s: %q, for all %t", what, command, all)
		}
	}
}
