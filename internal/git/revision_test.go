package git

import (
	"errors"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/git/gittest"
)

// TestRevision: every expression leads to the commit to which it leads in Git.
func TestRevision(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	run := func(args ...string) string { return strings.TrimSpace(gittest.Must(t, work, args...)) }
	run("branch", "-M", "main")
	for _, n := range []string{"2", "3"} {
		gittest.Commit(t, work, "commit "+n, map[string]string{"a": n})
	}
	run("checkout", "-q", "-b", "side", "HEAD~1")
	gittest.Commit(t, work, "aside", map[string]string{"b": "1"})
	run("checkout", "-q", "main")
	run("merge", "-q", "--no-ff", "-m", "merge", "side")
	run("tag", "v1", "main~1")
	run("tag", "-a", "-m", "annotated", "v2", "main")
	gittest.Must(t, r.Dir(), "fetch", "-q", work, "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*")
	for _, text := range []string{
		"main", "HEAD", "@", "HEAD^", "@~2", "main^2", "main^2~1", "main~1^", "main^^", "main^0", "side", "heads/side",
		"refs/heads/side", "v1", "tags/v1", "refs/tags/v2", "v2", "v2^{}", "v2^{commit}~1", "v2~1", "main~0", "main~",
		run("rev-parse", "main~1"), run("rev-parse", "--short=7", "side"), run("rev-parse", "--short=7", "side") + "^",
		strings.ToUpper(run("rev-parse", "--short=10", "main")),
	} {
		got, err := r.Revision(t.Context(), text)
		if want := run("rev-parse", text+"^{commit}"); err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"nosuch":                            "",
		"":                                  "",
		"^main":                             "",
		"-1":                                "",
		"--all":                             "",
		"main..side":                        "",
		"main@{1}":                          "",
		":/commit":                          "",
		"abc":                               "",
		"refs/pushboat/deploys/x":           "",
		strings.Repeat("a", 40):             "",
		"main~9":                            "only 3 commits come before",
		"main^3":                            "has no parent 3",
		"main~10001":                        "more than 10000",
		"main~99999999999999999999":         "more than 10000",
		"main" + strings.Repeat("~9999", 3): "more than 10000",
		"main^{tree}":                       "no step",
		"main^x":                            "no step",
		"main~1x":                           "no step",
		"main^{/text}":                      "no step",
		strings.Repeat("x", 2000):           "",
	} {
		_, err := r.Revision(t.Context(), text)
		missing := (*NoRevisionError)(nil)
		if !errors.As(err, &missing) || !strings.Contains(missing.Why, why) || why == "" && missing.Why != "" {
			t.Errorf("%.40q: got %v, want one that says %q", text, err, why)
		}
	}
}

// TestRevisionOfNoBranch: an abbreviated hash does not find a commit that is on no branch
// and no tag.
func TestRevisionOfNoBranch(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	gittest.Must(t, r.Dir(), "fetch", "-q", work, "HEAD:refs/pushboat/deploys/shop")
	hash := strings.TrimSpace(gittest.Must(t, work, "rev-parse", "HEAD"))
	if got, err := r.Revision(t.Context(), hash[:10]); err == nil {
		t.Errorf("found %s, which only a ref of the server leads to", got)
	}
}

func FuzzParseSteps(f *testing.F) {
	for _, seed := range []string{"^", "~3", "^2~1", "^{commit}", "^{}~", "~99999", "^x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parseSteps(text)
		total := 0
		for _, step := range steps {
			total += step.back + 1
			if step.back < 0 || step.parent < 0 {
				t.Errorf("%q: a step of %+v", text, step)
			}
		}
		if err == nil && total > maxAncestors+1 {
			t.Errorf("%q reads %d commits", text, total)
		}
	})
}
