package push

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/trace"
)

// push is a push in progress: it answers the push's hooks.
type push struct {
	door    *Door
	session Session
	repo    *git.Repository
	talk    *git.Talk // what the client said to Git
	gate    *git.Gate // between the client's part of the push and the server's

	// The following belong to PreReceive.
	options  deploy.Options
	main     name.Branch   // of the repository's first branch; "" later
	moving   deploy.Moving // its branches and tags
	follow   []followed    // branches with apps that are rendered from those that the push moves
	stored   []storedBranch
	rights   []neededRight
	spelling report.Door       // for the remedies of problems
	rewrites bool              // the history of branches that deploy may be rewritten
	kept     string            // by which the refused push is kept; "" if it is not
	tell     func(line string) // tells the client about the pushes that it waits for
	patience *patience         // writes to the client while the gate works
	ruling   ruling
	problems manifest.Problems // for which the push is refused
	signed   []signedRef
	judgedBy *rules.Rules // those that said what has to be signed, or older ones
	began    time.Time
	judging  *trace.Span // of the gate

	certified signedPush
	// unconfirmed is what rules would change that are refused until that is confirmed.
	unconfirmed *rulesPlan

	mu        sync.Mutex          // protects the fields that the two hooks and the session share
	detach    bool                // the pusher does not wait for the deploys
	proposals map[string]proposed // by ref; removed once accepted
	gated     []*deploy.Proposal
	rules     *rulesPlan  // of the server's own repository; nil: what is in force stays
	judged    bool        // the push has reached the gate
	turnsOver func()      // see takeTurns; nil before
	notOK     bool        // an awaited deploy did not end well
	span      *trace.Span // of the push; nil while there are no traces
}

func newPush(d *Door, s Session, repo *git.Repository) *push {
	return &push{door: d, session: s, repo: repo, talk: &git.Talk{Nonce: rand.Text()}, gate: git.NewGate(), proposals: map[string]proposed{}, spelling: Spelling}
}

// judged is a branch that deploys, and that the push would move.
type judged struct {
	update hook.RefUpdate
	draft  *deploy.Draft
}

// proposed is the proposal of a branch, and the commit that Git is about to move it to.
type proposed struct {
	proposal *deploy.Proposal
	to       git.Hash
}

// filled writes texts with the server's address in place of HOST.
type filled struct {
	io.Writer
	fill func(string) string
}

func (f filled) Write(p []byte) (int, error) {
	if _, err := io.WriteString(f.Writer, f.fill(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// PreReceive judges every ref of the push once, and refuses the whole push with all
// problems.
func (p *push) PreReceive(ctx context.Context, req hook.Request, out io.Writer) bool {
	if !p.begin() {
		return false
	}
	p.began = time.Now()
	p.patience = newPatience(filled{out, p.session.Fill}, "reading the push")
	defer p.patience.end()
	accepted := p.decide(ctx, req, p.patience)
	p.note(accepted)
	if !accepted {
		p.keepRefusal(ctx, req, p.patience)
		p.trailRefused(ctx, req.Updates)
		p.tellRefused(req.Updates)
	}
	return accepted
}

// decide is PreReceive of a push that its gate has begun to judge.
func (p *push) decide(ctx context.Context, req hook.Request, out io.Writer) bool {
	if problems := p.fenced(); len(problems) > 0 {
		return p.refuse(out, problems)
	}
	ctx, cancel := p.whileThere(ctx)
	defer cancel()
	options, problems := parseOptions(req.Options)
	if len(problems) > 0 {
		report.WriteProblems(out, problems, p.spelling)
		p.logRefusal(problems)
		return false
	}
	p.options = options
	p.startTrace(out)
	p.setDetach(options.Detach)
	p.judgedBy = p.door.Rules.Current()
	if problems := p.certify(req); len(problems) > 0 {
		return p.refuse(out, problems)
	}
	p.tell = func(line string) { fmt.Fprintln(out, line) }
	updates, foreign := sift(req.Updates)
	if len(updates) == 0 || p.talk.Atomic() {
		problems = judgeForeign(foreign)
	} else {
		tellForeign(out, foreign)
	}
	if overtaken := p.overtaken(ctx, updates); len(overtaken) > 0 {
		return p.refuse(out, append(problems, overtaken...)) // its plan would be for an old branch
	}
	if undecided := p.decideMain(ctx, updates); len(undecided) > 0 {
		return p.refuse(out, append(problems, undecided...))
	}
	p.moving = p.movingWith(ctx, updates, req.Quarantine)
	branches, found := p.judgeAll(ctx, updates, req.Quarantine)
	if problems = append(problems, found...); len(problems) > 0 {
		p.unconfirmed.print(out)
		return p.refuse(out, problems)
	}
	p.printSigned(out)
	p.printCertified(out)
	p.rules.print(out)
	if options.Plan && len(branches) == 0 {
		fmt.Fprintln(out, p.rules.planOnly())
		return false
	}
	proposals, ok := p.planAll(ctx, branches, out)
	if !ok || ctx.Err() != nil {
		return false
	}
	p.patience.does("waiting for the pushes before this one")
	if problems := p.takeTurns(ctx, updates); len(problems) > 0 {
		return p.refuse(out, problems)
	}
	if problems := p.mayStill(ctx, updates, req); len(problems) > 0 {
		return p.refuse(out, problems)
	}
	p.noteSigners()
	problems = p.fenced() // again, since the gate may have taken long
	if len(problems) == 0 {
		problems = p.trailAccepted(updates)
	}
	if len(problems) == 0 {
		problems = p.keep(ctx, proposals)
	}
	if len(problems) > 0 {
		report.WriteProblems(out, problems, p.spelling)
		p.logRefusal(problems)
		return false
	}
	tellStored(out, p.onlyStored(out, proposals), p.repo.Name() != access.AdminRepo && p.noApp(len(proposals)) && p.mayDeploy())
	return true
}

// fenced refuses the push once another server has replaced this one.
func (p *push) fenced() manifest.Problems {
	if err := p.door.Fence(); err != nil {
		return manifest.Problems{report.AsProblem(refusedAs(err))}
	}
	return nil
}

// hintDisk is the hint where the server cannot write to its disk for a push.
const hintDisk = "tell the server's operator: its disk may be full"

// keep writes the main branch and the options of the push to disk, before Git moves its
// refs.
func (p *push) keep(ctx context.Context, proposals []*deploy.Proposal) manifest.Problems {
	if problems := p.keepMain(ctx, proposals); len(problems) > 0 {
		return problems
	}
	if err := p.keepAsked(proposals); err != nil {
		return manifest.Problems{{Message: err.Error(), Hint: hintDisk}}
	}
	return nil
}

// begin notes that the push has reached the gate; it returns false if the push was
// stopped before.
func (p *push) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judged = p.gate.Begin()
	return p.judged
}

// judgeAll judges the refs of a push.
func (p *push) judgeAll(ctx context.Context, updates []hook.RefUpdate, q git.Quarantine) (
	branches []judged, problems manifest.Problems,
) {
	for _, update := range updates {
		draft, found := p.judge(ctx, update, q)
		if len(found) == 0 {
			found = append(p.judgeSigned(ctx, update, q), p.judgeSignedPush(update)...)
		}
		problems = append(problems, found...)
		if draft != nil {
			branches = append(branches, judged{update, draft})
		}
	}
	return branches, problems
}

// planAll plans and shows the changes of the push's branches, and reports whether there
// is no problem.
func (p *push) planAll(ctx context.Context, branches []judged, out io.Writer) (proposals []*deploy.Proposal, ok bool) {
	var problems manifest.Problems
	ok = true
	for _, branch := range branches {
		p.patience.does("rendering branch " + string(branch.draft.Branch) + ", and asking its clusters")
		proposal := branch.draft.Propose(ctx)
		p.propose(branch.update, proposal)
		proposal.Print(out, p.spelling)
		ok = ok && !proposal.Refused()
		proposals, problems = append(proposals, proposal), append(problems, proposal.Problems...)
	}
	p.logRefusal(problems)
	return proposals, ok
}

// refuse prints all problems of a push, and returns false, the gate's answer.
func (p *push) refuse(out io.Writer, problems manifest.Problems) bool {
	report.WriteProblems(out, problems, p.spelling)
	fmt.Fprintf(out, "%s: refused; nothing was changed\n", p.repo.Name())
	p.logRefusal(problems)
	return false
}

// keepAsked stores the options of the push with its branches, in case the server is
// killed before it can carry them out.
func (p *push) keepAsked(proposals []*deploy.Proposal) error {
	for _, change := range proposals {
		if p.follows(change.Branch) {
			continue // its own last push asked for what it has
		}
		if asked := change.Asked(); asked.Any() {
			if err := p.repo.SetAsked(change.Branch.Ref(), asked.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// whileThere returns a context that ends when the pusher disconnects: until Git moves
// the ref, such a push is best given up. cancel returns when nothing waits for the pusher
// any more.
func (p *push) whileThere(ctx context.Context) (there context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		defer end()
		select {
		case <-p.session.Gone():
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		end()
		listening.Wait()
	}
}

// propose notes the proposal of a branch. Its apps and objects are reserved until the
// push has ended.
func (p *push) propose(update hook.RefUpdate, proposal *deploy.Proposal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proposals[update.Ref] = proposed{proposal, update.New}
	p.gated = append(p.gated, proposal)
}

// judge decides about one ref update: it returns a branch that deploys; any other ref
// is stored, if its kind can be.
func (p *push) judge(ctx context.Context, update hook.RefUpdate, q git.Quarantine) (*deploy.Draft, manifest.Problems) {
	branch, ok := name.BranchOf(update.Ref)
	problems := judgeName(update)
	switch {
	case len(problems) > 0:
		return nil, problems
	case !ok:
		return p.moved(ctx, update, q)
	case update.Deletes():
		draft, problems := p.moved(ctx, update, q)
		return draft, append(problems, p.judgeDeletion(branch)...)
	}
	if problems := p.judgeObject(update, branch, q); len(problems) > 0 {
		return nil, problems
	}
	tree, err := p.repo.QuarantinedTree(update.New, q)
	if err != nil {
		return nil, manifest.Problems{{Message: err.Error(), Hint: "push a commit to a branch"}}
	}
	if p.repo.Name() == access.AdminRepo {
		return nil, p.judgeRules(ctx, update, branch, q)
	}
	draft := p.door.Engine.Open(deploy.Change{
		Repo: p.repo.Name(), Branch: branch, Main: p.main, Revision: name.Revision(update.New),
		Tree: tree, Moving: p.moving, Options: p.options, Caller: p.session.Caller(), Push: p.session.ID(),
		Trace: p.traced(), Gate: p.judging,
		Tell: p.tell,
	})
	if !draft.Deploys() {
		p.stored = append(p.stored, asStored(draft.Change))
		return p.moved(ctx, update, q)
	}
	problems = p.may(ctx, access.Deploy, update, q)
	if len(problems) == 0 && p.options.Override != "" {
		problems = p.may(ctx, access.Override, update, q)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return draft, p.judgeForward(ctx, update, branch, q)
}

// judgeDeletion refuses to delete branches that deploy.
func (p *push) judgeDeletion(branch name.Branch) manifest.Problems {
	if p.inForce(branch) {
		return manifest.Problems{{
			Message: fmt.Sprintf("branch %q has the rules of this server and cannot be deleted", branch),
			Hint:    "to take a change of them back, push its opposite: git revert COMMIT",
		}}
	}
	apps := p.door.Engine.AppsOn(p.repo.Name(), branch)
	if len(apps) == 0 {
		return nil
	}
	return manifest.Problems{{
		Message: fmt.Sprintf("branch %q deploys %s and cannot be deleted", branch, name.Join(apps, ", ")),
		Hint:    "remove the apps from pushboat.yaml in a commit first; the branch can be deleted when they are gone",
	}}
}

// judgeForward refuses to rewrite the history of a branch that deploys.
func (p *push) judgeForward(ctx context.Context, update hook.RefUpdate, branch name.Branch, q git.Quarantine) manifest.Problems {
	if update.Creates() || p.rewrites {
		return nil
	}
	forward, err := p.repo.IsAncestor(ctx, update.Old, update.New, q)
	if err != nil {
		return manifest.Problems{{Message: fmt.Sprintf("compare %s with branch %q: %v", update.New.Short(), branch, err), Hint: "push again"}}
	}
	if forward {
		return nil
	}
	what := "deploys"
	if p.inForce(branch) {
		what = "is in force"
	}
	return manifest.Problems{{
		Message: fmt.Sprintf("branch %q %s, and its history must not be rewritten", branch, what),
		Hint:    "to take a commit back, push its opposite: git revert COMMIT",
	}}
}

// PostReceive begins the deploys of the branches that have moved, and shows them until
// they end.
func (p *push) PostReceive(ctx context.Context, req hook.Request, out io.Writer) {
	out = filled{out, p.session.Fill}
	fenced := p.door.Fence() != nil
	if !fenced {
		p.takeRules(ctx, out) // before the next push of the rules is judged
	}
	p.endTurns()
	if fenced { // Git was faster
		fmt.Fprintln(out, "pushed; another server has taken this one's place, and deploys it")
		return
	}
	var runs []*deploy.Run
	for _, update := range req.Updates {
		runs = append(runs, p.commit(update.Ref)...)
		p.door.Engine.RefMoved(p.repo.Name(), update.Ref)
	}
	detached := p.detached()
	for _, run := range runs {
		if detached {
			fmt.Fprintf(out, "%s: deploying as %s\n%s", run.App, run.ID(), report.Hints("follow it with: ssh HOST logs -f "+run.ID()))
			continue
		}
		p.show(ctx, run, out)
	}
}

func (p *push) setDetach(detach bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.detach = detach
}

func (p *push) detached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.detach
}

// commit begins the deploys of one ref, once.
func (p *push) commit(ref string) []*deploy.Run {
	p.mu.Lock()
	proposed, ok := p.proposals[ref]
	delete(p.proposals, ref)
	p.mu.Unlock()
	if !ok {
		return nil
	}
	defer proposed.proposal.Close()
	runs, err := proposed.proposal.Accept()
	if err != nil {
		p.door.Log.WithField("repository", string(p.repo.Name())).Errorf("push: %v", err)
	}
	return runs
}

func (p *push) show(ctx context.Context, run *deploy.Run, out io.Writer) {
	rec, err := run.Watch(ctx, func(line string) { fmt.Fprintln(out, line) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		return // the pusher went away; the deploy goes on
	}
	if !rec.Result.OK() && rec.Result != record.Skipped && rec.Result != record.Waiting && !run.HandedOver() {
		p.notOK = true
	}
}

// settle handles branches that Git has moved without running post-receive, as it does
// when the pusher disconnects before the end.
func (p *push) settle(ctx context.Context) {
	fenced := p.door.Fence() != nil
	p.mu.Lock()
	proposals, gated := maps.Clone(p.proposals), p.gated
	p.mu.Unlock()
	for ref, proposed := range proposals {
		head, err := p.repo.Head(context.WithoutCancel(ctx), ref)
		if err == nil && head == proposed.to && !fenced {
			p.commit(ref)
		}
	}
	if !fenced {
		p.takeRules(context.WithoutCancel(ctx), io.Discard)
	}
	for _, change := range gated {
		change.Close()
	}
	p.endTrace()
}

// fail has the push exit with an error, although Git has moved its refs.
func (p *push) fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notOK = true
}

func (p *push) unsuccessful() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.notOK
}
