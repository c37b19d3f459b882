package glob

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name          string
		match, covers, touches bool
	}{
		{"shop", "shop", true, true, true},
		{"shop", "shops", false, false, false},
		{"shop*", "shops", true, true, true},
		{"sh?p", "shöp", true, true, true},
		{"*", "team/shop", false, true, true},
		{"**", "team/shop", true, true, true},
		{"team/**", "team", true, true, true},
		{"team/**", "team/a/b", true, true, true},
		{"**/web", "a/b/web", true, true, true},
		{"**/web", "a/b/webs", false, false, true},
		{"a/**/b/**/c", "a/x/b/y/b/c", true, true, true},
		{"a*b*c", "axbxbxc", true, true, true},
		{"a*b*c", "axbxbx", false, false, false},
		{"docs", "docs/a.md", false, true, true},
		{"docs/*.md", "docs/a.md", true, true, true},
		{"docs/*.md", "docs/a.txt", false, false, false},
		{"docs/*.md", "docs", false, false, true},
		{"docs/key", ".", false, false, true},
		{"*", ".", true, true, true},
	} {
		p := Pattern(test.pattern)
		if p.Match(test.name) != test.match || p.Covers(test.name) != test.covers || p.Touches(test.name) != test.touches {
			t.Errorf("%q and %q: match %v, covers %v, touches %v; want %v, %v, %v", test.pattern, test.name,
				p.Match(test.name), p.Covers(test.name), p.Touches(test.name), test.match, test.covers, test.touches)
		}
	}
}

func TestContains(t *testing.T) {
	for _, test := range []struct {
		wide, narrow string
		want         bool
	}{
		{"shop", "shop", true},
		{"**", "team/**", true},
		{"team/**", "team/*", true},
		{"team/**", "team/a*/b", true},
		{"team/*", "team/**", false},
		{"team/*", "team/web-*", true},
		{"team/?", "team/*", false},
		{"team/?", "team/?", true},
		{"team/?x", "team/?x", true},
		{"team/a*", "team/?", false},
		{"*", "**", false},
		{"a-*", "a-b", true},
		{"a-*", "b-*", false},
		{"a-*-z", "a-*", false},
	} {
		if got := Pattern(test.wide).Contains(Pattern(test.narrow)); got != test.want {
			t.Errorf("pattern %q contains %q: got %v", test.wide, test.narrow, got)
		}
	}
	if !Contain(nil, nil) || !Contain(nil, []Pattern{"x"}) || Contain([]Pattern{"**"}, nil) || Contain([]Pattern{"a"}, []Pattern{"a", "b"}) || !Contain([]Pattern{"b", "a"}, []Pattern{"a", "b"}) {
		t.Error("lists")
	}
}

// FuzzContains checks that a pattern that contains another one matches every name that the
// other one matches.
func FuzzContains(f *testing.F) {
	f.Add("team/**", "team/*", "team/a")
	f.Add("a*b?c", "a*b?c", "axbyc")
	f.Add("?", "*", "xy")
	f.Fuzz(func(t *testing.T, wide, narrow, name string) {
		p, err := Parse(wide)
		q, wrong := Parse(narrow)
		if err != nil || wrong != nil || strings.ContainsAny(name, "*?") {
			return
		}
		if p.Contains(q) && q.Match(name) && !p.Match(name) {
			t.Errorf("pattern %q contains %q, and does not match %q", p, q, name)
		}
	})
}
