package push

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/signature"
)

func TestSignersOf(t *testing.T) {
	ana, ben := signature.Signer{Operator: "ana", Key: "x"}, signature.Signer{Operator: "ben", Key: "y"}
	got := signersOf([]signature.Verdict{{Signer: ben}, {Signer: ana}, {Signer: ben}})
	if want := (record.Signers{{Operator: "ana", Key: "x", Commits: 1}, {Operator: "ben", Key: "y", Commits: 2}}); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A refusal names commits oldest first, a bounded number of them, and begins the rebase
// before the oldest that is bad.
func TestRefusalOfUnsignedCommits(t *testing.T) {
	p := &push{repo: newRepository(t)}
	var commits []git.Hash
	var verdicts []signature.Verdict
	at := git.Hash("")
	for i := range maxUnsigned + 3 {
		next, err := p.repo.Append(t.Context(), "refs/heads/main", at, git.NewCommit{Message: "commit " + string(rune('a'+i)), Files: map[string][]byte{"n": {byte(i)}}})
		if err != nil {
			t.Fatal(err)
		}
		at = next
		commits, verdicts = append(commits, next), append(verdicts, signature.Verdict{Err: errors.New("is not signed")})
	}
	verdicts[0].Err = nil
	slices.Reverse(commits) // newest first, as they are listed
	slices.Reverse(verdicts)
	problem := p.unsigned(hook.RefUpdate{Ref: "refs/heads/main"}, commits, verdicts, git.Quarantine{})
	lines := strings.Split(problem.Message, "\n")
	good := commits[len(commits)-1]
	switch {
	case len(lines) != 1+maxUnsigned+1 || lines[len(lines)-1] != "and 2 more":
		t.Errorf("%q", lines)
	case lines[0] != `branch "main" takes only signed commits, and 12 of 13 new commits cannot be accepted:`:
		t.Errorf("%q", lines[0])
	case lines[1] != commits[len(commits)-2].Short()+" (commit b) is not signed":
		t.Errorf("%q", lines[1])
	case !strings.HasSuffix(problem.Hint, "-S' "+good.Short()):
		t.Errorf("%q", problem.Hint)
	}
	verdicts[len(verdicts)-1].Err = errors.New("is not signed")
	if problem := p.unsigned(hook.RefUpdate{Ref: "refs/heads/main"}, commits, verdicts, git.Quarantine{}); !strings.HasSuffix(problem.Hint, " --root") {
		t.Errorf("a first commit: %q", problem.Hint)
	}
}
