package view

import (
	"maps"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
)

// TestBrought: a commit came with the first deploy that had it, also where branches were
// merged, or a deploy was of an older commit.
func TestBrought(t *testing.T) {
	// a - b - - d - e
	//   \ c - /
	parents := map[git.Hash][]git.Hash{"a": nil, "b": {"a"}, "c": {"a"}, "d": {"b", "c"}, "e": {"d"}}
	for name, test := range map[string]struct {
		deploys []Arrival
		want    map[git.Hash]string
	}{
		"none":               {nil, map[git.Hash]string{}},
		"one":                {[]Arrival{{"shop-1", "b"}}, map[git.Hash]string{"a": "shop-1", "b": "shop-1"}},
		"a merge":            {[]Arrival{{"shop-1", "b"}, {"shop-2", "d"}}, map[git.Hash]string{"a": "shop-1", "b": "shop-1", "c": "shop-2", "d": "shop-2"}},
		"again":              {[]Arrival{{"shop-1", "b"}, {"shop-2", "b"}}, map[git.Hash]string{"a": "shop-1", "b": "shop-1"}},
		"an older commit":    {[]Arrival{{"shop-1", "b"}, {"shop-2", "a"}, {"shop-3", "e"}}, map[git.Hash]string{"a": "shop-1", "b": "shop-1", "c": "shop-3", "d": "shop-3", "e": "shop-3"}},
		"of another history": {[]Arrival{{"shop-1", "x"}, {"shop-2", "a"}}, map[git.Hash]string{"a": "shop-2"}},
	} {
		if got := Brought(parents, test.deploys); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
