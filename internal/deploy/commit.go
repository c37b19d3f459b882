package deploy

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// commit makes a proposal the wanted state, and begins to deploy it, see
// Proposal.Accept.
func (e *Engine) commit(p *Proposal) []*Run {
	if p.Options.Skip {
		return e.skip(p)
	}
	if p.Push == "" || p.Stays { // otherwise the push has kept them, see Asked
		if err := e.confirmLeaving(p.Repo, p.Branch, p.Revision, p.goes(), p.staying()); err != nil {
			e.Log.WithField("repository", p.Repo).Warnf("%v; if the server is killed now, its apps are held: %s", err, name.Join(p.goes(), ", "))
		}
	}
	begun := &together{free: map[name.App]bool{}}
	runs := map[name.App]*Run{}
	waits := entitling(p.targets, p.entitled)
	apps := e.want(p)
	for i, w := range apps {
		plan, changed := p.changed[w.name]
		if !changed {
			continue
		}
		j := newJob(causeOf(p), p.Caller)
		j.push, j.force, j.plan, j.with = p.Push, p.Options.Force, plan, p.with[w.target.Spec.Cluster]
		j.signed = p.Signed
		j.run, j.together, j.formerly = w.queue.newRun(), begun, p.formerly(w.name)
		j.run.revision = w.target.Revision
		j.run.traceIn(p.Trace)
		for _, app := range w.target.Spec.DependsOn {
			if run := runs[app]; run != nil {
				j.after = append(j.after, run)
			}
		}
		for _, app := range waits[w.name] {
			if run := runs[app]; run != nil {
				j.entitling = append(j.entitling, run)
			}
		}
		j.entitled = len(p.entitled[w.target]) > 0
		_, j.postponed = p.closed[w.name]
		runs[w.name] = j.run
		begun.runs = append(begun.runs, j.run)
		begun.free[w.name] = len(w.target.Spec.DependsOn) == 0 && len(j.entitling) == 0
		apps[i].begin = j
	}
	for _, w := range apps {
		if w.begin != nil {
			w.enqueue(w.begin)
		}
	}
	return begun.runs
}

// wanting is an app, a push's target for it, and the resulting job for its worker, nil
// for none.
type wanting struct {
	*app
	target *target
	begin  *job
}

// want sets the targets of a change, all at once and before the first of their deploys
// begins: from then on no app deletes an object that another one should have. It
// returns their apps in the order of their dependencies.
func (e *Engine) want(p *Proposal) []wanting {
	apps := e.enter(p)
	for _, w := range apps {
		w.tellSchedules()
	}
	return apps
}

// enter is want, without telling anybody.
func (e *Engine) enter(p *Proposal) []wanting {
	e.wants.Lock()
	defer e.wants.Unlock()
	if p.Only == "" {
		e.releases.set(branchOf{p.Repo, p.Branch}, p.released)
		if p.imports != nil {
			e.readWith.note(branchOf{p.Repo, p.Branch}, surroundings{p.clusters, follows(p.Tree), saidOf(p.imports)})
		}
	}
	var apps []wanting
	for _, t := range inOrder(p.targets, entitling(p.targets, p.entitled)) {
		if p.Only != "" && p.Only != t.Spec.Name {
			continue
		}
		a, err := e.register(t.Spec.Name, t.Repo, t.Spec.Branch)
		if err != nil {
			e.Log.WithField("app", t.Spec.Name).Errorf("begin its deploy: %v", err)
			continue
		}
		if !p.stays[t.Spec.Name] { // otherwise its claims stay the same
			e.claims.SetKeys(a.name, p.claims.KeysOf(t.Spec.Name))
		}
		a.setSkipped("")
		a.setUnrendered("")
		t.forced, t.override = p.Options.Force || a.isForced(), p.override[t.Spec.Name]
		t.TakeOver = t.TakeOver || a.takesOver(a.wanted())
		a.setWant(t)
		apps = append(apps, wanting{app: a, target: t})
	}
	return apps
}

// claim enters the app's claims, as found on the cluster, unless its target has changed
// by now.
func (e *Engine) claim(a *app, t *target, objects []plan.Placed) {
	e.wants.Lock()
	defer e.wants.Unlock()
	if a.wanted() == t {
		e.claims.Set(a.name, t.Spec.Cluster, objects)
	}
}

// formerly lists the apps that leave with the change and hand all their objects to one
// other: it is the same app by another name.
func (p *Proposal) formerly(app name.App) []name.App {
	var names []name.App
	for _, plan := range p.Plans {
		if plan.RenamedTo() == app {
			names = append(names, plan.App)
		}
	}
	return names
}

func causeOf(p *Proposal) record.Cause {
	switch {
	case p.Cause != "":
		return p.Cause
	case p.Push == "":
		return record.CauseSync
	}
	return record.CausePush
}

// inOrder sorts targets so that each comes after those that it depends on, and those that it
// waits for otherwise. appfile has refused cycles, and entitling has made none. The apps that
// leave come last.
func inOrder(targets []*target, waits map[name.App][]name.App) []*target {
	byName := map[name.App]*target{}
	for _, t := range targets {
		byName[t.Spec.Name] = t
	}
	var order []*target
	seen := map[name.App]bool{}
	var visit func(t *target)
	visit = func(t *target) {
		if t == nil || seen[t.Spec.Name] {
			return
		}
		seen[t.Spec.Name] = true
		for _, app := range slices.Concat(t.Spec.DependsOn, waits[t.Spec.Name]) {
			visit(byName[app])
		}
		order = append(order, t)
	}
	for _, t := range targets {
		visit(t)
	}
	return order
}

// skip records the revision for every app of the branch, and does not touch the
// cluster.
func (e *Engine) skip(p *Proposal) []*Run {
	apps := e.appsOn(p.Repo, p.Branch)
	clusters := map[name.App]string{}
	for _, t := range p.targets {
		clusters[t.Spec.Name] = t.Spec.Cluster
		if a := e.app(t.Spec.Name); a != nil && (!a.removed() || a.isLeftBy(p.Repo)) {
			continue // what is only stored takes nobody's name
		}
		if a, err := e.register(t.Spec.Name, t.Repo, t.Spec.Branch); err == nil {
			a.setWant(nil) // if it was removed once, its removal was
			a.tellSchedules()
			apps = append(apps, a)
		}
	}
	runs := make([]*Run, 0, len(apps))
	for _, a := range apps {
		a.setSkipped(p.Revision)
		j := newJob(record.CausePush, p.Caller)
		j.push, j.signed, j.run = p.Push, p.Signed, a.queue.newRun()
		j.run.revision = p.Revision
		rec := a.skippedRecord(j)
		rec.Cluster = cmp.Or(rec.Cluster, clusters[a.name]) // it has none yet if it was never deployed
		a.finish(j, nil, rec)
		runs = append(runs, j.run)
	}
	return runs
}

// skippedRecord is the record of a revision that must not be deployed. It carries on
// the state of the cluster.
func (a *app) skippedRecord(j *job) record.Record {
	rec := a.newRecord(j, record.Skipped, "pushed with -o skip")
	rec.Same = a.ledger.Count()
	if last := a.lastRecord(); last != nil && (last.Stands().Applied() || last.Result == record.Skipped) {
		rec.Digest = last.Digest
	}
	return rec
}

// CheckDue compares an app with its cluster by its schedule. The check asks the server
// itself for the running objects, and accepts lists made for it or for another app
// since the time that it was due.
func (e *Engine) CheckDue(app name.App, due time.Time) {
	if a := e.app(app); a != nil {
		j := systemJob(record.CauseSchedule)
		j.fresh = due
		a.enqueue(j)
	}
}

// FullCheckDue has every object of an app tried on the cluster, by the schedule
// for that.
func (e *Engine) FullCheckDue(app name.App, due time.Time) {
	if a := e.app(app); a != nil {
		j := newJob(record.CauseSchedule, access.System("full check"))
		j.fresh, j.depth = due, ByTrial
		a.enqueue(j)
	}
}

// checkTroubled checks the apps whose last check could not be done: the missing part,
// such as the definition of a kind, may exist now.
func (e *Engine) checkTroubled(cluster string) {
	for _, a := range e.sorted() {
		if t := a.wanted(); t != nil && t.Spec.Cluster == cluster && a.trouble.reason() != "" {
			e.Check(a.name, record.CauseRetry)
		}
	}
}

// Check queues a comparison of an app with its cluster, unless something is queued for
// it already. An unknown app is ignored.
func (e *Engine) Check(app name.App, cause record.Cause) {
	if a := e.app(app); a != nil {
		a.enqueue(systemJob(cause))
	}
}
