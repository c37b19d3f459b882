package health

import (
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// FuzzRule: whatever rules a repository has, and whatever objects a cluster has, there is
// soon a verdict or a problem, in words that fit a line.
func FuzzRule(f *testing.F) {
	for _, seed := range []string{
		"status.phase == 'Ready'", "status.isTrue('Ready')", "status.?a.?b.orValue(1) > 0.5", "status.all(x, x.isTrue(x))",
		"[1, 2].exists(x, x in status.l)", "has(status.x) ? true : status.y", "timestamp(metadata.creationTimestamp) < timestamp('2026-01-01T00:00:00Z')",
		"{'a': status}.a.message('Ready')", "'\\u001b' + kind", "1 / 0 == 0", "status.map(k, status[k])", "data.size() == dyn('x')", "b'\\xff' == b''",
	} {
		f.Add(seed, "status: {phase: Ready, l: [1], conditions: [{type: Ready, status: 'True', observedGeneration: 1}]}")
		f.Add(seed, "status: {conditions: [7, {type: []}], a: {b: 1.5}}\nmetadata: {generation: 2}\ndata: text")
	}
	f.Fuzz(func(t *testing.T, expression, object string) {
		u := &unstructured.Unstructured{}
		if yaml.Unmarshal([]byte(object), &u.Object) != nil || u.Object == nil {
			u.Object = map[string]any{}
		}
		u.SetAPIVersion("example.org/v1")
		u.SetKind("Widget")
		compiler := NewCompiler()
		rules, problems := compiler.Compile([]Rule{{Kind: "Widget", Current: expression, InProgress: expression, Message: "status.phase"}})
		text, more := compiler.Compile([]Rule{{Kind: "Widget", Current: "true", Message: expression}})
		for _, p := range append(problems, more...) {
			if p.Message == "" || !utf8.ValidString(p.Message) {
				t.Errorf("problem %+v of %q", p, expression)
			}
		}
		for _, r := range []*Rules{rules, text} {
			h := r.Of(u)
			if h.Status == "" || len(h.Message) > maxMessage {
				t.Errorf("%q makes %+v", expression, h)
			}
		}
	})
}
