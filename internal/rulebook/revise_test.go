package rulebook

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/manifest"
)

// writes returns a revision by ana that writes a file.
func writes(path, text string) Revision {
	return Revision{Subject: "Add ben", By: ana, Edit: func(fs.FS, *rules.Rules) (map[string][]byte, error) {
		return map[string][]byte{path: []byte(text)}, nil
	}}
}

func TestRevisionIsCommittedForItsOperator(t *testing.T) {
	book := mustOpen(t, storetest.Open(t, git.StoreOptions{}))
	made, err := book.Revise(t.Context(), writes("operators/ben.yaml", "keys: ["+keyText(t, "b")+"]\n"))
	if err != nil || len(made.Changes) != 2 {
		t.Fatalf("made %+v, %v", made, err)
	}
	if _, ok := book.Current().Operator("ben"); ok {
		t.Fatal("the revision is in force before it is published")
	}
	other, err := book.Revise(t.Context(), writes("operators/eve.yaml", "keys: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Publish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if _, ok := book.Current().Operator("ben"); !ok {
		t.Error("the published revision is not in force")
	}
	if err := book.Publish(t.Context(), other); !errors.Is(err, ErrMoved) {
		t.Errorf("a revision that is overtaken: %v", err)
	}
	head, err := book.head(t.Context(), Main.Ref())
	if err != nil || head != made.Commit {
		t.Fatalf("the branch is at %s, %v", head, err)
	}
	commit, err := book.repo.Commit(head)
	if err != nil || commit.Message != "Add ben\n" || commit.Author.Name != "ana" {
		t.Errorf("the commit is %+v, %v", commit, err)
	}
	if got := records(t, book); !strings.Contains(got[0], "\nOperator: ana\n") {
		t.Errorf("the records are %q", got[0])
	}
}

func TestRevisionThatIsRefused(t *testing.T) {
	book := mustOpen(t, storetest.Open(t, git.StoreOptions{}))
	before, err := book.head(t.Context(), Main.Ref())
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no such key")
	for name, test := range map[string]struct {
		revision Revision
		is       func(error) bool
	}{
		"nobody would be admin": {writes("access.yaml", "rules: []\n"), isProblem},
		"not well formed":       {writes("operators/ben.yaml", "key: []\n"), isProblem},
		"the edit fails": {Revision{By: ana, Edit: func(fs.FS, *rules.Rules) (map[string][]byte, error) { return nil, failed }}, func(err error) bool {
			return errors.Is(err, failed)
		}},
	} {
		if _, err := book.Revise(t.Context(), test.revision); !test.is(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after, err := book.head(t.Context(), Main.Ref()); err != nil || after != before {
		t.Errorf("the branch has moved to %s, %v", after, err)
	}
	const admin = "rules: [{who: [ana], may: [admin]}]\n"
	commit(t, book, map[string][]byte{"access.yaml": []byte(admin + "requireSigned: [{repositories: [shop]}]\n")})
	if _, err := book.Revise(t.Context(), writes("operators/ben.yaml", "keys: []\n")); err != nil {
		t.Errorf("where another repository takes signed commits only: %v", err)
	}
	commit(t, book, map[string][]byte{"access.yaml": []byte(admin + "requireSigned: [{branches: [main]}]\n")})
	if _, err := book.Revise(t.Context(), writes("operators/ben.yaml", "keys: []\n")); !isProblem(err) || !strings.Contains(err.Error(), "only signed commits come to main") {
		t.Errorf("where only signed commits come: %v", err)
	}
	commit(t, book, map[string][]byte{"access.yaml": []byte("rules: {}\n")})
	if _, err := book.Revise(t.Context(), writes("operators/ben.yaml", "keys: []\n")); !isProblem(err) {
		t.Errorf("on rules that cannot be read: %v", err)
	}
	none := &Book{}
	if _, err := none.Revise(t.Context(), Revision{By: access.Caller{}}); !errors.Is(err, errNotOpen) {
		t.Errorf("without a rules repository: %v", err)
	}
}

func isProblem(err error) bool {
	_, ok := errors.AsType[manifest.Problems](err)
	return ok
}
