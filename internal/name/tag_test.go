package name

import (
	"slices"
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	for text, ok := range map[string]bool{"v1.2.3": true, "release/1": true, "": false, "a b": false, "refs/tags/v1": false, "-v": false, "a..b": false} {
		if _, err := ParseTag(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if tag, ok := TagOf("refs/tags/v1"); !ok || tag != "v1" || tag.Ref() != "refs/tags/v1" {
		t.Errorf("it is %q, %v", tag, ok)
	}
	if _, ok := TagOf("refs/heads/v1"); ok {
		t.Error("a branch is a tag")
	}
}

func TestRangesChooseTags(t *testing.T) {
	tags := []Tag{"v1.0.0", "v1.2.0", "1.10.0", "v1.11.0-rc1", "v2", "2.1", "latest", "v3.0.0+b", "v3.0.0+a", "podinfo-9.0.0"}
	for _, test := range []struct {
		within string
		loose  bool
		want   Tag
	}{
		{"1.*", false, "1.10.0"},
		{"~1.2", false, "v1.2.0"},
		{">=1.0.0 <1.10.0", false, "v1.2.0"},
		{">=1.0.0-0 <2", false, "v1.11.0-rc1"},
		{"<0.9 || ~1.0", false, "v1.0.0"},
		{"v1.2.0", false, "v1.2.0"},
		{"2.x", false, ""},
		{"2.x", true, "2.1"},
		{"~2.0", true, "v2"},
		{"3.x", false, "v3.0.0+b"},
		{"*", false, "v3.0.0+b"},
		{"9.x", false, ""},
	} {
		within, err := ParseRange(test.within, test.loose)
		if err != nil {
			t.Fatal(err)
		}
		if got := within.Highest(tags); got != test.want {
			t.Errorf("%s (loose: %v): got %q, want %q", test.within, test.loose, got, test.want)
		}
		if test.want != "" && !within.Has(test.want) || within.Has("latest") {
			t.Errorf("%s has other tags than its highest", test.within)
		}
	}
	if got := NewestFirst(tags, false); !slices.Equal(got, []Tag{"v3.0.0+b", "v3.0.0+a", "v1.11.0-rc1", "1.10.0", "v1.2.0", "v1.0.0"}) {
		t.Errorf("newest first: %v", got)
	}
}

func TestWhatIsARange(t *testing.T) {
	for text, want := range map[string]bool{
		"1.*": true, "1.x": true, ">=1.2 <2": true, "~1": true, "^1.2": true, "*": true, "1.2 - 1.4": true,
		"v1": false, "1.2": false, "v1.2.3": false, "1.2.3-rc.1+b": false, "main": false, "": false, "release-1.x": false,
		strings.Repeat("1.x || ", 100) + "2.x": false,
	} {
		if IsRange(text) != want {
			t.Errorf("%q is a range: %v", text, !want)
		}
	}
	if _, err := ParseRange("latest", false); err == nil {
		t.Error("a word is a range")
	}
}
