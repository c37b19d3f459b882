package server

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// TestCommitsThatAppsComeFrom: whoever may name a commit gets none of the records, none that was
// pushed over, and where signatures are asked for none that came around them.
func TestCommitsThatAppsComeFrom(t *testing.T) {
	store, err := git.OpenStore(t.TempDir(), git.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	repository, err := store.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	commit := func(ref string, parent git.Hash, text string) git.Hash {
		t.Helper()
		made, err := repository.Append(t.Context(), ref, parent, git.NewCommit{Message: text, Files: map[string][]byte{"a": []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := commit("refs/heads/main", "", "first")
	last := commit("refs/heads/main", first, "last")
	tagged := commit("refs/tags/v1", "", "tagged")
	record := commit("refs/pushboat/records/shop", "", "record")
	loose, err := repository.Import(t.Context(), last, git.NewCommit{Message: "loose"})
	if err != nil {
		t.Fatal(err)
	}
	open, signed := signedMain(t, ""), signedMain(t, "requireSigned: [{repositories: [shop], branches: [main]}]\n")
	for what, test := range map[string]struct {
		commit       git.Hash
		open, signed string // the refusals
	}{
		"the newest":               {last, "", ""},
		"one before":               {first, "", ""},
		"a tag's on no branch":     {tagged, "", "to which only signed commits come"},
		"a record":                 {record, "is on no branch, and in no tag", "is on no branch, and in no tag"},
		"one that is on no ref":    {loose, "is on no branch, and in no tag", "is on no branch, and in no tag"},
		"one that there never was": {git.Hash(strings.Repeat("1", 40)), "is on no branch, and in no tag", "is on no branch, and in no tag"},
	} {
		for now, want := range map[*rules.Rules]string{open: test.open, signed: test.signed} {
			got := ""
			err := vouchedIn(t.Context(), repository, now, name.Revision(test.commit))
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, want) || want == "" && err != nil || errors.Is(err, errUnsigned) != strings.Contains(want, "signed") {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
	}
}

// signedMain are rules with more in access.yaml.
func signedMain(t *testing.T, more string) *rules.Rules {
	t.Helper()
	now, problems := rules.Parse(fstest.MapFS{
		"operators/ana.yaml": {Data: []byte("keys: []\n")},
		"access.yaml":        {Data: []byte("rules: []\n" + more)},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return now
}
