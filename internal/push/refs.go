package push

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// storedPrefixes are the prefixes of the refs that a push can move. Git itself refuses
// all others, each alone (see receive.hideRefs in package git).
var storedPrefixes = []string{name.BranchPrefix, "refs/tags/", "refs/notes/"}

// sift separates the refs of a push that can be stored from those that cannot.
func sift(updates []hook.RefUpdate) (stored, foreign []hook.RefUpdate) {
	for _, update := range updates {
		if slices.ContainsFunc(storedPrefixes, func(prefix string) bool { return strings.HasPrefix(update.Ref, prefix) }) {
			stored = append(stored, update)
		} else {
			foreign = append(foreign, update)
		}
	}
	return stored, foreign
}

// judgeForeign refuses refs that cannot be stored. A mirror of a forge's
// repository has thousands of them.
func judgeForeign(foreign []hook.RefUpdate) manifest.Problems {
	if len(foreign) == 0 {
		return nil
	}
	message := fmt.Sprintf("ref %q is neither a branch nor a tag", foreign[0].Ref)
	if len(foreign) > 1 {
		message = fmt.Sprintf("ref %q and %d more are neither branches nor tags", foreign[0].Ref, len(foreign)-1)
	}
	return manifest.Problems{{Message: message, Hint: "push to a branch: git push origin HEAD:refs/heads/NAME"}}
}

// tellForeign names the refs of a push that are not stored, when the others are.
func tellForeign(out io.Writer, foreign []hook.RefUpdate) {
	if len(foreign) == 0 {
		return
	}
	more := ""
	if len(foreign) > 1 {
		more = fmt.Sprintf(" and %d more", len(foreign)-1)
	}
	fmt.Fprintf(out, "not stored, since they are neither branches nor tags: %s%s\n", manifest.Clean(foreign[0].Ref), more)
}

// judgeName refuses names that Git reserves: with such a ref, HEAD would mean two
// things.
func judgeName(update hook.RefUpdate) manifest.Problems {
	for prefix, kind := range map[string]string{name.BranchPrefix: "branch", "refs/tags/": "tag"} {
		if update.Ref == prefix+"HEAD" && !update.Deletes() {
			return manifest.Problems{{
				Message: fmt.Sprintf("HEAD cannot be the name of a %s", kind),
				Hint:    "give it another: git push origin HEAD:" + prefix + "NAME",
			}}
		}
	}
	return nil
}

// judgeObject refuses objects that no branch can point to.
func (p *push) judgeObject(update hook.RefUpdate, branch name.Branch, q git.Quarantine) manifest.Problems {
	commit, err := p.repo.QuarantinedCommit(update.New, q)
	switch {
	case errors.Is(err, git.ErrNotCommit):
		return manifest.Problems{{
			Message: fmt.Sprintf("branch %q can only be at a commit, and %s is none", branch, update.New.Short()),
			Hint:    "push a commit to a branch: git push origin HEAD:refs/heads/NAME",
		}}
	case err != nil:
		return manifest.Problems{{Message: err.Error(), Hint: "push a commit to a branch"}}
	case commit.Hash != update.New:
		return manifest.Problems{{
			Message: fmt.Sprintf("branch %q can only be at a commit, and %s is an annotated tag", branch, update.New.Short()),
			Hint:    fmt.Sprintf("push the commit that it names: git push origin %s:refs/heads/NAME", commit.Hash.Short()),
		}}
	}
	return nil
}
