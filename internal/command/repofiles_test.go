package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/name"
)

// nobody is a session of somebody without rights.
type nobody struct{ Session }

func (nobody) Caller() access.Caller { return access.Caller{} }

// filesAt looks at a path, as the verb does.
func filesAt(t *testing.T, repo *git.Repository, branch, at string) (repoFilesAnswer, error) {
	t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	repoFilesFlags(flags)
	if err := flags.Set("branch", branch); err != nil {
		t.Fatal(err)
	}
	c := &call{Desk: &Desk{Policy: access.NewPolicy(logrus.NewEntry(logrus.New()), nil, nil)}, Session: nobody{}, flags: flags}
	return c.look(t.Context(), repo, at)
}

// oddRepository has files, links and others of every kind.
func oddRepository(t *testing.T) *git.Repository {
	t.Helper()
	repo, err := storetest.Open(t, git.StoreOptions{}).Create(t.Context(), "odd")
	if err != nil {
		t.Fatal(err)
	}
	dir := gittest.WorkTree(t, map[string]string{
		"-x": "a\n", "a b/:c": "a\nb\n", "web.yaml": "kind: Deployment\n", "token.yaml": "kind: Secret\nstringData: {a: hunter}\n",
		"binary": "a\x00b", "large": strings.Repeat("x", maxFileBytes+1), "long": strings.Repeat("\n", maxFileLines+1), "empty": "", "ret": "a\rb\r\nc\n",
		"wide": strings.Repeat("ä", maxLineBytes) + "\n", "esc": "\x1b[31mred\n",
	})
	for link, to := range map[string]string{"in": "web.yaml", "folder": "a b", "out": "../../etc/passwd", "abs": "/etc/passwd", "gone": "nowhere", "self": "self"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	gittest.Must(t, dir, "add", "-A")
	gittest.Must(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("a", 40)+",module")
	gittest.Must(t, dir, "commit", "-qm", "All of it")
	gittest.Must(t, repo.Dir(), "fetch", "-q", dir, "HEAD:refs/heads/main")
	return repo
}

// TestRepoFiles: a path leads to what is in the repository, and to nothing else; links are
// not followed, and what cannot be shown says why.
func TestRepoFiles(t *testing.T) {
	repo := oddRepository(t)
	for _, test := range []struct{ at, want string }{
		{"-x", "file 1 -x: a"},
		{"a b/:c", "file 2 a b/:c: a"},
		{"a b", "folder"},
		{".", "folder"},
		{"web.yaml", "file 1 web.yaml: kind: Deployment"},
		{"token.yaml", "file 2 token.yaml: kind: Secret, keys only"},
		{"empty", "file 0 empty"},
		{"esc", `file 1 esc: \x1b[31mred`},
		{"binary", "file 0 binary, unshown: it is no text"},
		{"large", "file 0 large, unshown: it has 524289 bytes; at most 524288 are shown"},
		{"long", "file 0 long, unshown: it has more than 5000 lines"},
		{"in", "link to web.yaml"},
		{"folder", "link to a b"},
		{"folder/:c", "link to a b/:c"},
		{"out", "error"},
		{"abs", "error"},
		{"gone", "error"},
		{"self", "error"},
		{"module", "error"},
		{"module/x", "error"},
		{"", "error"},
		{"..", "error"},
		{"../odd", "error"},
		{"a b/..", "error"},
		{"a b/", "error"},
		{"/web.yaml", "error"},
		{"./web.yaml", "error"},
		{"a b//:c", "error"},
		{"web.yaml/x", "error"},
		{"web.yaml\x00", "error"},
		{"web.yaml\n", "error"},
		{"--help", "error"},
		{"HEAD", "error"},
		{".git/config", "error"},
		{strings.Repeat("x/", 2000) + "x", "error"},
	} {
		found, err := filesAt(t, repo, "", test.at)
		got := found.Kind
		switch {
		case err != nil:
			got = "error"
		case found.Kind == aLink:
			got += " to " + found.To
		case found.Kind == aFile:
			got += fmt.Sprintf(" %d %s", len(found.Lines), found.Path)
			if len(found.Lines) > 0 {
				got += ": " + found.Lines[0].Text
			}
			if found.KeysOnly {
				got += ", keys only"
			}
			if found.Unshown != "" {
				got += ", unshown: " + found.Unshown
			}
		}
		if got != test.want {
			t.Errorf("%q is %q (%v), want %q", test.at, got, err, test.want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x00\n\x1b") {
			t.Errorf("%q: the error is %q", test.at, err)
		}
	}
	for _, branch := range []string{"nosuch", "..", "-x", "main:x", "main\x00", "main\n", "../../HEAD", "HEAD", "@{-1}", "main^", strings.Repeat("x", 5000)} {
		if found, err := filesAt(t, repo, branch, "."); err == nil {
			t.Errorf("branch %q is at %s", branch, found.Revision)
		}
	}
	if found, err := filesAt(t, repo, "main", "wide"); err != nil || len(found.Lines[0].Text) > maxLineBytes+len("…") || !strings.HasSuffix(found.Lines[0].Text, "…") {
		t.Errorf("a wide line: %v", err)
	}
}

// TestRepoFilesLists: folders come first, and what cannot be opened says why.
func TestRepoFilesLists(t *testing.T) {
	found, err := filesAt(t, oddRepository(t), "", ".")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, e := range found.Entries {
		kinds[e.Name] = e.Kind
		if unopened := slices.Contains([]string{"out", "abs", "gone", "self", "module"}, e.Name); (e.Why != "") != unopened {
			t.Errorf("%s: %q", e.Name, e.Why)
		}
	}
	for name, kind := range map[string]string{"a b": aFolder, "-x": aFile, "in": aLink, "folder": aLink, "out": aLink, "abs": aLink, "gone": aLink, "self": aLink, "module": another} {
		if kinds[name] != kind {
			t.Errorf("%s is a %s, not a %s", name, kinds[name], kind)
		}
	}
	if found.Entries[0].Name != "a b" || found.Entries[0].String() != "a b/" {
		t.Errorf("the first is %s", found.Entries[0])
	}
}

func TestAppsOfFile(t *testing.T) {
	all := []deploy.Status{{App: "web", Path: "deploy/web"}, {App: "website", Path: "deploy/website"}, {App: "all", Path: "."}}
	for file, want := range map[string][]name.App{
		"deploy/web/a.yaml": {"web", "all"}, "deploy/website/a.yaml": {"website", "all"}, "base/a.yaml": {"all"},
	} {
		if got := appsOfFile(all, file); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
	if got := appsOfFile(all[:2], "base/a.yaml"); !slices.Equal(got, []name.App{"web", "website"}) {
		t.Errorf("a base is of %v", got)
	}
	if got := appsOfFile(slices.Repeat(all, 5), "x"); len(got) != maxFileApps {
		t.Errorf("%d apps", len(got))
	}
}

func TestHidesRules(t *testing.T) {
	for file, hides := range map[string]bool{"clusters/eu.yaml": true, "receivers/a.yaml": true, "notifications.yaml": true, "access.yaml": false, "operators/ana.yaml": false} {
		if hidesRules(file) != hides {
			t.Errorf("%s: %v", file, !hides)
		}
	}
}
