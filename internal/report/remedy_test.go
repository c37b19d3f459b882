package report

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestRemediesAreSpelledByTheDoor(t *testing.T) {
	push := Door{Force: "push with -o force", ConfirmPrune: "push with -o confirm-prune=", PlainSecrets: "-o plain-secrets stores it as it is", Skip: "-o skip stores it", Again: "push again", Override: "push with -o override="}
	verb := Door{Force: "repeat it with --force", ConfirmPrune: "repeat it with --confirm-prune=", Again: "try again"}
	for _, test := range []struct {
		name   string
		door   Door
		hint   string
		remedy manifest.Remedy
		want   string
	}{
		{"nothing", push, "", manifest.Remedy{}, ""},
		{"words alone", push, "mend it", manifest.Remedy{}, "mend it"},
		{"force, by push", push, "", manifest.Remedy{Kind: manifest.RemedyForce}, "push with -o force to delete and recreate it"},
		{"force, by verb", verb, "", manifest.Remedy{Kind: manifest.RemedyForce}, "repeat it with --force to delete and recreate it"},
		{"force, after words", verb, "give it a new name", manifest.Remedy{Kind: manifest.RemedyForce}, "give it a new name, or repeat it with --force to delete and recreate it"},
		{"force of what holds data", push, "", manifest.Remedy{Kind: manifest.RemedyForceWithData}, "push with -o force to delete and recreate it, with everything that it holds"},
		{"deletions, by push", push, "", manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: 5}, "if that is meant, push with -o confirm-prune=5"},
		{"deletions, by verb", verb, "", manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: 5}, "if that is meant, repeat it with --confirm-prune=5"},
		{"deletions, another number", push, "confirm-prune=4 does not match", manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: 5}, "confirm-prune=4 does not match; if that is meant, push with -o confirm-prune=5"},
		{"secrets, by push", push, "encrypt it", manifest.Remedy{Kind: manifest.RemedyPlainSecrets}, "encrypt it; -o plain-secrets stores it as it is"},
		{"a folder alone", Door{Repository: "git init"}, "move it", manifest.Remedy{Kind: manifest.RemedyRepository}, "git init"},
		{"a folder of a repository", Door{}, "move it", manifest.Remedy{Kind: manifest.RemedyRepository}, "move it"},
		{"secrets, by a verb without the flag", verb, "encrypt it", manifest.Remedy{Kind: manifest.RemedyPlainSecrets}, "encrypt it"},
		{"windows, by push", push, "wait", manifest.Remedy{Kind: manifest.RemedyOverride}, "wait; with the right override, push with -o override="},
		{"windows, of a door that cannot be asked", Door{}, "wait", manifest.Remedy{Kind: manifest.RemedyOverride}, "wait"},
		{"again, by push", push, "", manifest.Again("when it answers"), "push again when it answers"},
		{"again at once, by push", push, "", manifest.Again(""), "push again"},
		{"again, by verb", verb, "", manifest.Again("when it answers"), "try again when it answers"},
		{"again, after words", push, "grant it the right", manifest.Again(""), "grant it the right; then push again"},
		{"again, of a door that cannot be asked", Door{}, "grant it the right", manifest.Again("then"), "grant it the right"},
		{"again or skip, by push", push, "", manifest.Remedy{Kind: manifest.RemedyAgainOrSkip, When: "when it does"}, "push again when it does; -o skip stores it"},
		{"again or skip, by a verb without the flag", verb, "", manifest.Remedy{Kind: manifest.RemedyAgainOrSkip, When: "when it does"}, "try again when it does"},
		{"deletions, of a door that cannot be asked", Door{}, "", manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: 5}, ""},
		{"force, of a door that cannot be asked", Door{}, "rename it", manifest.Remedy{Kind: manifest.RemedyForce}, "rename it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problem := manifest.Problem{Message: "wrong", Hint: test.hint, Remedy: test.remedy}
			problems := manifest.Problems{problem}
			var out strings.Builder
			WriteProblems(&out, problems, test.door)
			want := "error: wrong\n"
			if test.want != "" {
				want += "hint: " + test.want + "\n"
			}
			if out.String() != want {
				t.Errorf("got %q, want %q", out.String(), want)
			}
			if got := OutlineProblems(problems, test.door)[0].Hint; got != test.want {
				t.Errorf("as data: %q", got)
			}
			if problems[0] != problem {
				t.Errorf("the problem itself was changed to %+v", problems[0])
			}
		})
	}
}
