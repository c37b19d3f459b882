package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// turns lets pushes that want to move the same ref do so one after the other, from the
// gate's acceptance until Git has moved the ref, which takes a moment. So the second
// pusher learns who was faster, and not from Git that it cannot lock a ref. The gates
// themselves run in parallel. (Git's own comparison still decides: the server moves
// branches as well.)
type turns struct {
	mu   sync.Mutex
	refs map[turn]chan struct{} // closed when the turn is over
}

// turn is the right to move a ref.
type turn struct {
	repo name.Repo
	ref  string
}

// take waits for the turns of all refs, and returns the function that ends them, which
// may be called again. The error is ctx's.
func (t *turns) take(ctx context.Context, wanted []turn) (over func(), err error) {
	wanted = slices.Clone(wanted)
	slices.SortFunc(wanted, func(a, b turn) int { return strings.Compare(a.ref, b.ref) }) // two pushes never wait for each other
	var taken []turn
	over = sync.OnceFunc(func() { t.end(taken) })
	for _, one := range wanted {
		if err := t.takeOne(ctx, one); err != nil {
			over()
			return nil, err
		}
		taken = append(taken, one)
	}
	return over, nil
}

func (t *turns) takeOne(ctx context.Context, one turn) error {
	for {
		t.mu.Lock()
		before := t.refs[one]
		if before == nil {
			if t.refs == nil {
				t.refs = map[turn]chan struct{}{}
			}
			t.refs[one] = make(chan struct{})
			t.mu.Unlock()
			return nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *turns) end(taken []turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range taken {
		close(t.refs[one])
		delete(t.refs, one)
	}
}

// takeTurns takes the turns of the refs that the push moves, until the push ends or
// endTurns is called. It refuses refs that somebody else has moved.
func (p *push) takeTurns(ctx context.Context, updates []hook.RefUpdate) manifest.Problems {
	wanted := make([]turn, len(updates))
	for i, update := range updates {
		wanted[i] = turn{p.repo.Name(), update.Ref}
	}
	for _, f := range p.follow {
		wanted = append(wanted, turn{p.repo.Name(), f.branch.Ref()})
	}
	if p.main != "" { // see keepMain
		wanted = append(wanted, turn{p.repo.Name(), "HEAD"})
	}
	over, err := p.door.turns.take(ctx, wanted)
	if err != nil {
		return manifest.Problems{{Message: "the pusher went away", Hint: "push again"}}
	}
	p.mu.Lock()
	p.turnsOver = over
	p.mu.Unlock()
	return append(p.overtaken(ctx, updates), p.followedStill(ctx)...)
}

// endTurns lets others move the refs of the push.
func (p *push) endTurns() {
	p.mu.Lock()
	over := p.turnsOver
	p.mu.Unlock()
	if over != nil {
		over()
	}
}

// overtaken refuses refs that have moved since the pusher saw them.
func (p *push) overtaken(ctx context.Context, updates []hook.RefUpdate) manifest.Problems {
	var problems manifest.Problems
	for _, update := range updates {
		at, err := p.repo.Head(ctx, update.Ref)
		if err != nil && !errors.Is(err, git.ErrNoRef) {
			return manifest.Problems{{Message: err.Error(), Hint: "push again"}}
		}
		if at == update.Old || at.IsZero() && update.Old.IsZero() {
			continue
		}
		problems = append(problems, overtakenBy(update, at, p.repo.LastMove(update.Ref)))
	}
	return problems
}

// overtakenBy says who has moved a ref meanwhile, and where to.
func overtakenBy(update hook.RefUpdate, at git.Hash, last git.Move) manifest.Problem {
	short := strings.TrimPrefix(strings.TrimPrefix(update.Ref, name.BranchPrefix), "refs/")
	if at.IsZero() {
		return manifest.Problem{Message: fmt.Sprintf("%s was deleted meanwhile", short), Hint: "push again to make it anew"}
	}
	who := "somebody"
	if last.To == at && last.Who != "" {
		who = manifest.Clean(last.Who)
	}
	problem := manifest.Problem{
		Message: fmt.Sprintf("%s pushed %s to %s meanwhile", who, at.Short(), short),
		Hint:    "git pull --rebase, then push again",
	}
	if _, ok := name.BranchOf(update.Ref); !ok {
		problem.Hint = "look at it first: git fetch origin " + manifest.Clean(update.Ref)
	}
	return problem
}
