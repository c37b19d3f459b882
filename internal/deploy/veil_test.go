package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

// TestToldNames: what gives a repository away is its name, and those of its apps.
func TestToldNames(t *testing.T) {
	appsOf := func(repo name.Repo) []name.App { return map[name.Repo][]name.App{"shop": {"web", "api"}}[repo] }
	var none told
	if names := none.names(appsOf); len(names) != 0 || mentions("belongs to app web of repository shop", names) {
		t.Errorf("nothing gives away %q", names)
	}
	var some told
	some.note("shop")
	some.note("shop")
	names := some.names(appsOf)
	if slices.Sort(names); !slices.Equal(names, []string{"api", "shop", "web"}) {
		t.Fatalf("the names are %q", names)
	}
	for text, told := range map[string]bool{"belongs to app x of repository shop": true, "app web has it": true, "unknown field dta": false, "": false} {
		if mentions(text, names) != told {
			t.Errorf("%q: %v", text, !told)
		}
	}
}

func TestWithoutPlain(t *testing.T) {
	if got := withoutPlain([]string{"true", "hunter", "false", "truely"}); !slices.Equal(got, []string{"hunter", "truely"}) {
		t.Errorf("%q are left", got)
	}
}
