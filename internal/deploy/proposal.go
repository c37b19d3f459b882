package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/trace"
)

// Options are a pusher's options. The zero value has none, except that ConfirmPrune
// must be -1 if no number was given.
type Options struct {
	Plan         bool   // print the plan and refuse
	Detach       bool   // do not wait for the deploy
	Force        bool   // recreate objects whose immutable fields changed
	Skip         bool   // record, do not deploy
	PlainSecrets bool   // store Secrets whose values are not encrypted
	TakeOver     bool   // stop other tools that deploy the same, before anything is applied
	ConfirmPrune int    // how many deletions are confirmed; -1: none
	Override     string // why to deploy although a window is closed, by a caller who may; "" not to
	Undo         bool   // the server reverts its own last deploy

	Trace trace.Parent // the trace that the push is part of; zero: none
}

// Change is a branch that is about to move, or has moved, to a revision.
type Change struct {
	Repo     name.Repo
	Branch   name.Branch
	Revision name.Revision
	Main     name.Branch // the repository's main branch; "": as the Source says
	Tree     fs.FS
	Moving   Moving // the refs that the push moves, this branch among them unless it stays
	Stays    bool   // the branch stays where it is, and the push moves what its apps are rendered from
	Options  Options
	Caller   access.Caller
	Push     string       // the push's id
	Only     name.App     // one app of the branch; "" for all
	Cause    record.Cause // "": a push if there is the push's id, else a sync
	// Unaccepted is set for a revision that nobody with the right to deploy has
	// accepted, and whose caller has no such right. It is only planned, and in a way
	// that keeps its templates and names from revealing anything: without keys and
	// values of clusters, and compared only with those of the app's own objects that
	// hide nothing.
	Unaccepted bool
	Renewal    Renewal           // of the generated values of the app Only
	Tell       func(line string) // reports the waits of the caller; nil: no reports

	Trace *trace.Span // of the push; nil while there are no traces
	Gate  *trace.Span // of its gate, likewise
}

// Draft is a change whose apps are known. Nothing has been rendered or decrypted yet,
// and no cluster was asked, so its holder can first check whether its caller may have
// that done.
type Draft struct {
	Change
	p     *Proposal
	stage draftStage
}

// draftStage is how far a draft has come.
type draftStage int

// The stages of a draft.
const (
	draftOpened draftStage = iota
	draftRendered
	draftProposed
)

// Open reads which apps the branch feeds at the change's revision.
func (e *Engine) Open(change Change) *Draft {
	e.known()
	p := &Proposal{Change: change, ReadsRules: e.readsRules(change.Caller), engine: e, changed: map[name.App]*plan.Plan{}, with: map[string]*plan.Companions{}}
	p.specs, p.Problems = p.readSpecs()
	if p.imports == nil {
		p.specs = e.Choice.Of(p.specs)
	}
	return &Draft{Change: p.Change, p: p}
}

// Deploys reports whether the branch feeds any app, now or with the change.
func (d *Draft) Deploys() bool { return d.p.deploys() }

// AsDeployed reports whether the change would leave an app's cluster in the state of
// the app's last deploy, or of its target. It is false if that is not known.
func (d *Draft) AsDeployed(app name.App) bool {
	d.render()
	return d.p.asDeployed(app)
}

// render renders the apps, once. It reads the values from clusters that they ask for.
func (d *Draft) render() {
	if d.stage >= draftRendered {
		return
	}
	span := d.Gate.Child("render")
	defer span.End()
	p := d.p
	var found manifest.Problems
	p.targets, found = p.engine.readTargets(reading{
		specs: p.specs, imports: p.imports, tree: p.Tree, repo: p.Repo, revision: p.Revision, blind: p.Unaccepted,
		operator: p.Caller.Operator, tell: p.Tell, renewedApp: p.Only, renewed: p.Renewal,
	})
	p.Problems = append(p.Problems, found...)
	if p.imports != nil {
		p.chooseGrown()
	}
	d.stage = draftRendered
}

// Propose renders and plans the change, and applies the guards. It changes nothing,
// neither in Git nor on a cluster; the proposal has all problems. Unless the proposal
// is refused, no other change may have its apps or objects until Close. A draft can be
// proposed once; later proposals are refused.
func (d *Draft) Propose(ctx context.Context) *Proposal {
	if d.stage == draftProposed {
		return &Proposal{Change: d.Change, engine: d.p.engine, Problems: manifest.Problems{{
			Message: "the change was proposed already", Remedy: manifest.Again(""),
		}}}
	}
	d.p.unhurried = d.p.engine.haste.begin()
	d.render()
	d.stage = draftProposed
	done := false
	defer func() {
		if !done { // a panic: release the reservations
			d.p.Close()
		}
	}()
	span := d.Gate.Child("plan")
	d.p.plan(ctx)
	span.End()
	d.p.Problems = d.p.placed(report.WithGrant(d.p.Problems))
	done = true
	return d.p
}

// Propose reads, renders and plans a change whose caller may have that done, see
// Draft.Propose.
func (e *Engine) Propose(ctx context.Context, change Change) *Proposal {
	return e.Open(change).Propose(ctx)
}

// Proposal is a planned change: its effects, or all its problems. It must be closed in
// the end, and may be accepted before.
type Proposal struct {
	Change
	Problems manifest.Problems
	Plans    []*plan.Plan // of the apps that the change would change
	// ReadsRules says that the caller may read the server's rules: refusals name their
	// places.
	ReadsRules bool

	Signed record.Signed // for the records of the deploys; to be set before Accept

	added        []name.App // apps that the branch did not have, unless it had none
	removed      []name.App // apps that it has no more
	guarded      bool       // the problems are deletions to confirm, which the plan shows
	unread       bool       // there are files that could not be read
	engine       *Engine
	specs        []appfile.App                    // of the branch
	imports      *importer.Tree                   // of which the specs are the roots, until they are rendered; nil: the specs are all
	selections   []appfile.Selection              // of clusters, by the branch
	clusters     appfile.Clusters                 // from which it selects
	after        map[name.App]appfile.App         // of a removal that no push brings: what the branch makes then; nil: see targets
	released     map[name.App]name.Repo           // apps of the branch that it gives up, and to whom
	targets      []*target                        // every app of the branch, and those that leave it
	stays        map[name.App]bool                // apps that stay as they are: nothing of them is planned, sealed or claimed anew
	disputed     map[*target]map[manifest.ID]bool // objects that other apps want, see dispute
	changed      map[name.App]*plan.Plan
	entitled     map[*target][]name.App      // targets whose own account gets rights with the change, and from which apps
	lacksAccount map[*target]bool            // targets whose own account is not there
	with         map[string]*plan.Companions // by cluster
	claims       *plan.Claims
	closed       map[name.App]closing // apps that windows keep from being deployed now, although the change may be made
	override     map[name.App]string  // why others are deployed although windows are closed
	state        proposalState
	unhurried    func()            // ends its part of the haste; nil: it has none yet
	told         told              // other repositories that the problems may name
	handed       manifest.Problems // what a takeover does, and what to know before the other tool's objects are deleted
}

// Refused reports whether the change must not be made.
func (p *Proposal) Refused() bool { return len(p.Problems) > 0 || p.Options.Plan }

// Errors of Accept.
var (
	ErrRefused  = errors.New("the proposal is refused")
	ErrAccepted = errors.New("the proposal was accepted already")
	ErrClosed   = errors.New("the proposal is closed")
)

// Accept makes a proposal the wanted state, once Git has moved the branch, and begins
// to deploy it. It returns the deploys that began, in the order of their dependencies,
// to attach to.
func (p *Proposal) Accept() ([]*Run, error) {
	if err := p.state.accept(p.Refused()); err != nil {
		return nil, fmt.Errorf("deploy revision %s: %w", p.Revision.Short(), err)
	}
	return p.engine.commit(p), nil
}

// Close releases the proposal's apps and objects for other changes. It may be called at
// any time, and more than once; an accepted proposal continues.
func (p *Proposal) Close() {
	p.state.close()
	p.engine.reservations.drop(p)
	if p.unhurried != nil {
		p.unhurried()
	}
}

// proposalStage is how far a proposal has come.
type proposalStage int

// The stages of a proposal.
const (
	proposalOpen proposalStage = iota
	proposalAccepted
	proposalClosed
)

// proposalState is the stage of a proposal: a refused or closed one cannot be accepted,
// nor one twice.
type proposalState struct {
	mu    sync.Mutex
	stage proposalStage
}

func (s *proposalState) accept(refused bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case refused:
		return ErrRefused
	case s.stage == proposalClosed:
		return ErrClosed
	case s.stage == proposalAccepted:
		return ErrAccepted
	}
	s.stage = proposalAccepted
	return nil
}

func (s *proposalState) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stage = proposalClosed
}

// Print writes the plans and the problems in the words of the door, and ends with one
// line about the outcome of the change.
func (p *Proposal) Print(w io.Writer, door report.Door) {
	p.Show(w, door)
	switch {
	case len(p.Problems) > 0:
		fmt.Fprintf(w, "%s: refused, %s; nothing was changed\n", p.Repo, manifest.Plural(len(p.Problems), "problem"))
	case p.Options.Plan:
		fmt.Fprintln(w, "plan only: nothing was changed")
	}
}

// Show is Print without the line about the outcome.
func (p *Proposal) Show(w io.Writer, door report.Door) {
	if p.Unaccepted {
		fmt.Fprintln(w, "planned without keys and without values of the cluster: nobody who may\ndeploy has accepted this revision, and you may not")
	}
	if len(p.Problems) == 0 || p.guarded || p.Options.Plan {
		report.WriteApps(w, "added", p.added)
		report.WriteApps(w, "removed", p.gone())
		report.WriteLineages(w, p.lineages())
		for _, plan := range p.Plans {
			report.WritePlan(w, plan)
		}
		report.WriteWarnings(w, p.warnings())
	}
	if n := len(p.targets) - len(p.Plans); n > 0 && len(p.Problems) == 0 && p.Only == "" && !p.Options.Skip {
		fmt.Fprintf(w, "%s unchanged\n", manifest.Plural(n, "app"))
	}
	p.printWindows(w)
	report.WriteProblems(w, p.Problems, door)
}
