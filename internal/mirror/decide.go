package mirror

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// maxBranches bounds the branches of one mirror.
const maxBranches = 200

// choose returns the branches that a mirror takes of those that upstream has: main first,
// which the first branch of a repository becomes here, too.
func choose(m *rules.Mirror, a advertised) ([]name.Branch, error) {
	if m.Branches == nil {
		main := a.main
		if _, ok := a.heads[main]; !ok {
			if len(a.heads) == 0 {
				return nil, nil
			}
			return nil, fmt.Errorf("HEAD names no branch upstream: name branches in %s, such as branches: [main]", rules.MirrorFile(m.Repo))
		}
		return []name.Branch{main}, nil
	}
	var chosen []name.Branch
	for _, branch := range slices.Sorted(maps.Keys(a.heads)) {
		if glob.Fit(m.Branches, string(branch)) {
			chosen = append(chosen, branch)
		}
	}
	if len(chosen) > maxBranches {
		return nil, fmt.Errorf("branches of %s fits %d branches, and at most %d are taken", rules.MirrorFile(m.Repo), len(chosen), maxBranches)
	}
	slices.SortStableFunc(chosen, func(x, y name.Branch) int { return rank(x, a.main) - rank(y, a.main) })
	return chosen, nil
}

func rank(branch, main name.Branch) int {
	if branch == main {
		return 0
	}
	return 1
}

// sight is a branch, here and upstream.
type sight struct {
	here, upstream git.Hash // here is zero for a branch that is new
	forward        bool     // upstream has everything that is here
	related        bool     // they have an ancestor in common
}

// verdict is what becomes of a branch.
type verdict int

const (
	stays    verdict = iota // it is as upstream has it
	moves                   // to what upstream has, if the gate accepts it
	rewrites                // likewise, and its history is another from then on
	refused
)

// judge decides about a branch, before the gate does. follow takes a rewritten history over;
// that of another repository nobody takes over.
func judge(m *rules.Mirror, branch name.Branch, s sight, follow bool) (verdict, *manifest.Problem) {
	switch {
	case s.here == s.upstream:
		return stays, nil
	case s.here.IsZero() || s.forward:
		return moves, nil
	case !s.related:
		return refused, &manifest.Problem{
			Message: fmt.Sprintf("upstream has another repository: %s of branch %q has no commit in common with what is here", s.upstream.Short(), branch),
			Hint: fmt.Sprintf("see that %s names the right one; to begin anew, have its apps go, and: ssh HOST repo mirror %s --stop\nssh HOST repo delete %s",
				rules.MirrorFile(m.Repo), m.Repo, m.Repo),
		}
	case follow:
		return rewrites, nil
	}
	return refused, &manifest.Problem{
		Message: fmt.Sprintf("the history of branch %q was rewritten upstream: %s does not contain %s, which is here", branch, s.upstream.Short(), s.here.Short()),
		Hint:    fmt.Sprintf("to take it over this once: ssh HOST repo fetch %s --rewrite\nto do so always, write rewrites: follow in %s", m.Repo, rules.MirrorFile(m.Repo)),
	}
}
