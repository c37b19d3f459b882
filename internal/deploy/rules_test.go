package deploy

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// treeOf is a revision of four apps, all made by one entry with one rule.
func treeOf(rule string) fstest.MapFS {
	tree := fstest.MapFS{appfile.Name: {Data: []byte("apps:\n- path: apps/*\n  namespace: shop\n" + rule)}}
	for i := range 4 {
		tree[fmt.Sprintf("apps/a%d/a.yaml", i)] = &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")}
	}
	return tree
}

// newReader is an engine that only reads plain manifests.
func newReader() *Engine {
	return New(Config{Renderer: render.New(worker.NewPool(nil, worker.Limits{}, quiet()), nil)})
}

func TestRulesOfTargets(t *testing.T) {
	digests := map[string]bool{}
	for _, rule := range []string{"", "  health: [{kind: Widget, current: status.ready}]\n", "  health: [{kind: Widget, current: status.done}]\n"} {
		targets, problems := readShop(treeOf(rule), "r")
		if len(problems) > 0 || len(targets) != 4 {
			t.Fatalf("%d targets, problems %v", len(targets), problems)
		}
		if has := targets[3].rules.Has(schema.GroupKind{Group: "example.org", Kind: "Widget"}); has != (rule != "") {
			t.Errorf("with %q the app has a rule: %v", rule, has)
		}
		digests[targets[3].Digest] = true
	}
	if len(digests) != 1 {
		t.Error("a change of rules alone would deploy the app anew")
	}
}

// TestWrongRulesAreToldOnce: a wrong rule is reported once, although its entry makes
// several apps.
func TestWrongRulesAreToldOnce(t *testing.T) {
	_, problems := readShop(treeOf("  health:\n  - kind: Widget\n    current: |\n      status.ready ==\n"), "r")
	if len(problems) != 1 || problems[0].Source.Line != 6 || !strings.HasPrefix(problems[0].Message, "health of Widget: current: ") {
		t.Errorf("problems %+v", problems)
	}
}
