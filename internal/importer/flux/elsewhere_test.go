package flux

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/name"
)

// beside is a revision that has another repository.
type beside struct{ fstest.MapFS }

func (beside) Mount(address string, branch name.Branch, commit name.Revision) (folder, taken string, err error) {
	switch {
	case !strings.HasSuffix(address, "/lib"):
		return "", "", meaning.ErrUnknown
	case branch == "gone":
		return "", "", errors.New("it has no branch gone here")
	}
	at := string(branch) + string(commit)
	return ".repositories/lib@" + at, "repository lib here, at " + at, nil
}

// TestOtherRepositories: an app comes from another repository that this one may use, at a branch
// or a commit; else it is said what allows it.
func TestOtherRepositories(t *testing.T) {
	commit := strings.Repeat("a", 40)
	for ref, want := range map[string]string{
		"":                    ".repositories/lib@/apps",
		"ref: {branch: next}": ".repositories/lib@next/apps",
		"ref: {commit: " + commit + ", branch: next}": ".repositories/lib@" + commit + "/apps",
		"ref: {branch: gone}":                         "a/b.yaml:4: GitRepository flux-system/lib: https://example.org/lib: it has no branch gone here",
		"ref: {branch: 'a b'}":                        "spec.ref.branch: \"a b\"",
		"ref: {commit: abc}":                          `spec.ref.commit: "abc" is no hash of a commit`,
		"ref: {tag: v1}":                              "GitRepository lib follows a tag",
		"ref: {semver: ~1}":                           "GitRepository lib follows a semver",
		"verify: {mode: HEAD}":                        "spec.verify: signatures of its commits are not asked for here",
		"unknown: 1":                                  "a/b.yaml:4: GitRepository flux-system/lib: unknown field spec.unknown",
		"recurseSubmodules: true":                     "spec.recurseSubmodules: submodules are not read",
		"include: [{repository: {name: x}}]":          "spec.include: other repositories are not put into folders",
	} {
		world := worldOf()
		world.Tree = beside{}
		tree := New(world)
		git := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: lib, namespace: flux-system}\nspec: {url: 'https://example.org/lib', " + ref + "}\n"
		tree.Add(nil, parse(t, git)[0])
		for _, app := range []string{"a", "b"} {
			text := strings.Replace(strings.Replace(kustomization(""), "name: flux-system}\n", "name: lib}\n", 1), "name: a,", "name: "+app+",", 1)
			tree.Add(nil, parse(t, text)[0])
		}
		apps, problems := tree.Next()
		if strings.HasPrefix(want, ".repositories") {
			if len(problems) > 0 || len(apps) != 2 || apps[0].App.Path != want || len(apps[0].Notes) != 1 || !strings.Contains(apps[0].Notes[0].Text, "https://example.org/lib is repository lib here, at ") || len(apps[1].Notes) != 0 {
				t.Errorf("%s: %+v, problems %v", ref, apps, problems)
			}
		} else if !strings.Contains(problems.Error(), want) || len(apps) != 0 {
			t.Errorf("%s: problems %v", ref, problems)
		}
	}
}
