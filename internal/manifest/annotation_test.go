package manifest

import (
	"strings"
	"testing"
)

func TestAnnotationsOfClusters(t *testing.T) {
	for _, test := range []struct {
		key, value string
		want       bool
	}{
		{"team", "web", true},
		{"example.org/addons_repo_url", "https://git.example.org/addons, and more", true},
		{"team", "", true},
		{"a b", "c", false},
		{"", "c", false},
		{"team", "a\nb", false},
		{"team", "a\x1b[1m", false},
		{"team", strings.Repeat("a", MaxAnnotation), true},
		{"team", strings.Repeat("a", MaxAnnotation+1), false},
	} {
		if IsAnnotation(test.key, test.value) != test.want {
			t.Errorf("%q: %.20q: %v", test.key, test.value, !test.want)
		}
	}
}
