package command

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// TestVerbsSpellRemedies: users can paste the remedy of a problem, whichever verb has shown
// it.
func TestVerbsSpellRemedies(t *testing.T) {
	remedies := []manifest.Remedy{
		{Kind: manifest.RemedyForce},
		{Kind: manifest.RemedyConfirmPrune, Deletions: 5},
		{Kind: manifest.RemedyPlainSecrets},
		{Kind: manifest.RemedyAgainOrSkip, When: "when it does"},
	}
	for name, test := range map[string]struct {
		door report.Door
		want []string // the text of each remedy; "" for none
	}{
		"a verb that deploys": {spelling, []string{
			"repeat it with --force to delete and recreate it", "if that is meant, repeat it with --confirm-prune=5", "", "try again when it does",
		}},
		"sync --all": {spellingOf("sync shop"), []string{
			"run ssh HOST sync shop --force to delete and recreate it", "if that is meant, run ssh HOST sync shop --confirm-prune=5", "", "try again when it does",
		}},
		"plan of the newest revision": {newest.spelling("shop", "3f2c1ab"), []string{
			"run ssh HOST sync shop --force to delete and recreate it", "if that is meant, run ssh HOST sync shop --confirm-prune=5", "", "try again when it does",
		}},
		"plan of an earlier revision": {earlier.spelling("shop", "3f2c1ab"), []string{
			"run ssh HOST rollback shop 3f2c1ab --force to delete and recreate it",
			"if that is meant, run ssh HOST rollback shop 3f2c1ab --confirm-prune=5", "", "try again when it does",
		}},
		"plan of another branch": {elsewhere.spelling("shop", "3f2c1ab"), []string{
			"push with -o force to delete and recreate it", "if that is meant, push with -o confirm-prune=5",
			"-o plain-secrets stores it as it is", "try again when it does; -o skip stores the commit without deploying it",
		}},
	} {
		for i, remedy := range remedies {
			var out strings.Builder
			report.WriteProblems(&out, manifest.Problems{{Message: "wrong", Remedy: remedy}}, test.door)
			if want := "error: wrong\n" + report.Hints(test.want[i]); out.String() != want {
				t.Errorf("%s, %s: got %q, want %q", name, remedy.Kind, out.String(), want)
			}
		}
	}
}
