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

func (beside) Mount(address string, at meaning.At) (folder, taken string, err error) {
	repo := "lib"
	switch {
	case address == "":
		repo = "this"
	case !strings.HasSuffix(address, "/lib"):
		return "", "", meaning.ErrUnknown
	case at.Branch == "gone":
		return "", "", errors.New("it has no branch gone here")
	}
	if at.Tag == "v9" || at.Range == "9.x" {
		return "", "", &meaning.MissingError{Repo: name.Repo(repo), At: at}
	}
	return ".repositories/" + repo + "@" + strings.TrimPrefix(at.String(), "branch "), "repository lib here, at " + at.String(), nil
}

// TestOtherRepositories: an app comes from another repository that this one may use, at a branch
// or a commit; else it is said what allows it.
func TestOtherRepositories(t *testing.T) {
	commit := strings.Repeat("a", 40)
	for ref, want := range map[string]string{
		"":                    ".repositories/lib@main branch/apps",
		"ref: {branch: next}": ".repositories/lib@next/apps",
		"ref: {commit: " + commit + ", branch: next}": ".repositories/lib@commit " + commit + "/apps",
		"ref: {tag: v1, branch: next}":                ".repositories/lib@tag v1/apps",
		"ref: {semver: ~1, tag: v1}":                  `.repositories/lib@tag in "~1"/apps`,
		"ref: {name: refs/tags/v1, semver: ~1}":       ".repositories/lib@tag v1/apps",
		"ref: {name: refs/heads/next}":                ".repositories/lib@next/apps",
		"ref: {name: refs/pull/7/head}":               "spec.ref.name: \"refs/pull/7/head\" is neither a branch nor a tag",
		"ref: {name: 'refs/heads/a b'}":               "spec.ref.name: \"refs/heads/a b\"",
		"ref: {tag: 'a b'}":                           "spec.ref.tag: \"a b\" has a character",
		"ref: {semver: latest}":                       "spec.ref.semver: \"latest\" is no range of versions",
		"ref: {tag: v9}":                              "https://example.org/lib: repository lib has no tag v9 here",
		"ref: {semver: 9.x}":                          `repository lib has no tag in "9.x" here`,
		"ref: {branch: gone}":                         "a/b.yaml:4: GitRepository flux-system/lib: https://example.org/lib: it has no branch gone here",
		"ref: {branch: 'a b'}":                        "spec.ref.branch: \"a b\"",
		"ref: {commit: abc}":                          `spec.ref.commit: "abc" is no hash of a commit`,
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

// TestOwnRepository: another branch, a tag or a commit of this repository is followed.
func TestOwnRepository(t *testing.T) {
	commit := strings.Repeat("a", 40)
	for ref, want := range map[string]string{
		"":                              "apps",
		"ref: {branch: main}":           "apps",
		"ref: {name: refs/heads/main}":  "apps",
		"ref: {tag: v1, branch: main}":  ".repositories/this@tag v1/apps",
		"ref: {semver: 1.x}":            `.repositories/this@tag in "1.x"/apps`,
		"ref: {commit: " + commit + "}": ".repositories/this@commit " + commit + "/apps",
		"ref: {name: refs/tags/v1}":     ".repositories/this@tag v1/apps",
		"ref: {branch: next}":           ".repositories/this@next/apps",
		"ref: {tag: v9}":                "a/b.yaml:4: GitRepository flux-system/own: spec.ref.tag: repository this has no tag v9 here",
		"ref: {commit: abc}":            "is no hash of a commit",
	} {
		world := worldOf()
		world.Tree = beside{}
		tree := New(world)
		git := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: own, namespace: flux-system}\nspec: {url: 'https://example.org/" + string(world.Repo) + "', " + ref + "}\n"
		tree.Add(nil, parse(t, git)[0])
		tree.Add(nil, parse(t, strings.Replace(kustomization(""), "name: flux-system}\n", "name: own}\n", 1))[0])
		apps, problems := tree.Next()
		if strings.HasSuffix(want, "apps") {
			if len(problems) > 0 || len(apps) != 1 || apps[0].App.Path != want {
				t.Errorf("%s: %+v, problems %v", ref, apps, problems)
			}
		} else if !strings.Contains(problems.Error(), want) || len(apps) != 0 {
			t.Errorf("%s: problems %v", ref, problems)
		}
	}
}

// TestOwnTagsInAFolder: where there is no server, a tag of this repository is a problem that says
// so.
func TestOwnTagsInAFolder(t *testing.T) {
	world := worldOf()
	tree := New(world)
	tree.Add(nil, parse(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: own, namespace: flux-system}\nspec: {url: 'https://example.org/"+string(world.Repo)+"', ref: {tag: v1}}\n")[0])
	tree.Add(nil, parse(t, strings.Replace(kustomization(""), "name: flux-system}\n", "name: own}\n", 1))[0])
	if apps, problems := tree.Next(); len(apps) != 0 || !strings.Contains(problems.Error(), "spec.ref.tag: only the server follows a tag v1 of this repository") {
		t.Errorf("%+v, problems %v", apps, problems)
	}
}

// TestOtherRepositoriesInAFolder: a clone may be called otherwise than the repository, so where there
// is no server, the way out is to say its name; the server knows it.
func TestOtherRepositoriesInAFolder(t *testing.T) {
	for _, isFolder := range []bool{true, false} {
		world := worldOf()
		if !isFolder {
			world.Tree = beside{}
		}
		tree := New(world)
		tree.Add(nil, parse(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: own, namespace: flux-system}\nspec: {url: 'ssh://git@example.org/team/shop.git'}\n")[0])
		tree.Add(nil, parse(t, strings.Replace(kustomization(""), "name: flux-system}\n", "name: own}\n", 1))[0])
		_, problems := tree.Next()
		if len(problems) != 1 || !strings.Contains(problems[0].Message, "is another repository") {
			t.Fatalf("problems %v", problems)
		}
		hint := problems[0].Hint
		if strings.Contains(hint, ": --repository shop\n") != isFolder || !strings.Contains(hint, "import: {self: [ssh://git@example.org/team/shop.git]}") {
			t.Errorf("in a folder %v: %s", isFolder, hint)
		}
	}
}
