package mirror

import (
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// A revision that the gate has refused is judged again at once when something that is known
// here is another: upstream, the branch, the rules, the server itself. The rest, such as what is
// on a cluster, may change unseen: for that it is judged again after some time, and after more
// each time, so that a broken commit does not cost a render and a dry-run at every tick.
const (
	leastAgain = 5 * time.Minute
	mostAgain  = time.Hour
)

// basis is what a judgement went by.
type basis struct {
	upstream, here git.Hash
	rules          *rules.Rules // in force; each has its own
}

// judged is the last time that the gate refused a branch.
type judged struct {
	by   basis
	at   time.Time
	wait time.Duration // until it is judged again by the same
}

// due reports whether a branch is to be judged.
func (j judged) due(by basis, now time.Time) bool {
	return j.by != by || now.Sub(j.at) >= j.wait
}

// next is what is known after another refusal.
func (j judged) next(by basis, now time.Time) judged {
	wait := leastAgain
	if j.by == by {
		wait = min(max(2*j.wait, leastAgain), mostAgain)
	}
	return judged{by: by, at: now, wait: wait}
}

// basisOf is what a branch would be judged by now.
func (r *round) basisOf(s sight) basis {
	return basis{upstream: s.upstream, here: s.here, rules: r.keeper.config.Rules()}
}

// rests reports whether a branch was refused not long ago, and nothing that is known has changed
// since. Who asks has it judged.
func (r *round) rests(branch name.Branch, by basis) bool {
	k := r.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	last, refused := k.entry(r.mirror.Repo).refused[branch]
	return refused && !r.asked && !last.due(by, time.Now())
}

// noteJudged keeps that a branch was refused, or that it was not.
func (r *round) noteJudged(branch name.Branch, by basis, refused bool) {
	k := r.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.entry(r.mirror.Repo)
	if !refused {
		delete(e.refused, branch)
		return
	}
	if e.refused == nil {
		e.refused = map[name.Branch]judged{}
	}
	e.refused[branch] = e.refused[branch].next(by, time.Now())
}
