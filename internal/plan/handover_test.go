package plan

import (
	"strings"
	"testing"
)

func TestWhatAnAppKeeps(t *testing.T) {
	for name, test := range map[string]struct {
		holder holder
		want   string // in the refusal; "" for none
	}{
		"an app of the same repository":        {holder{app: "blog", repo: "shop"}, ""},
		"one of another":                       {holder{app: "blog", repo: "blog"}, "has left it on the cluster (prune: false)"},
		"one that cannot be rendered":          {holder{app: "blog", repo: "shop", unrendered: true}, "cannot be rendered at the moment"},
		"another repository's, nor rendered":   {holder{app: "blog", repo: "blog", unrendered: true}, "cannot be rendered at the moment"},
		"a set of no app, or of a deleted one": {holder{set: "applyset-x-v1"}, `the ApplySet "applyset-x-v1"`},
	} {
		kept := test.holder.keeps("shop")
		switch {
		case kept == nil && test.want != "":
			t.Errorf("%s: handed over", name)
		case kept != nil && (test.want == "" || !strings.Contains(kept.message, test.want) || kept.hint == ""):
			t.Errorf("%s: %+v", name, *kept)
		}
	}
}
