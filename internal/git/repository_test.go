package git

import (
	"strings"
	"testing"
)

func TestCheckRef(t *testing.T) {
	for _, ref := range []string{"refs/heads/main", "refs/heads/$(id)", "refs/heads/--x", "refs/heads/ünï/x", "refs/for/main", "refs/x@y"} {
		if err := CheckRef(ref); err != nil {
			t.Errorf("CheckRef(%q) = %v", ref, err)
		}
	}
	for _, ref := range []string{
		"", "HEAD", "main", "refs", "refs/", "refs//x", "/refs/heads/x", "refs/../config", "refs/heads/..", "refs/.x", "refs/x.lock", "refs/x.lock/y",
		"refs/x.", "refs/a b", "refs/a\nb", "refs/a\x00", "refs/a~1", "refs/a^", "refs/a:b", "refs/a?", "refs/a*", "refs/[a", `refs/a\b`, "refs/a@{1}", "refs/a\x7f",
		"refs/" + strings.Repeat("x", maxRefBytes),
	} {
		if err := CheckRef(ref); err == nil {
			t.Errorf("CheckRef(%q) was accepted", ref)
		}
	}
}
