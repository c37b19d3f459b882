package deploy

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Status is the state of an app: its branch's wish, the last deploy, and the running
// objects.
type Status struct {
	App      name.App      `json:"app"`
	Repo     name.Repo     `json:"repository"`
	Branch   name.Branch   `json:"branch"`
	Path     string        `json:"path,omitempty"` // the app's folder; "" if it is not known
	Cluster  string        `json:"cluster"`
	Revision name.Revision `json:"revision"` // wanted; "" if nothing should be deployed
	Sync     Sync          `json:"sync"`
	Reasons  []string      `json:"reasons,omitempty"` // known reasons for not being in sync
	Health   string        `json:"health"`            // healthy, progressing, failing, or unknown
	Objects  int           `json:"objects"`
	Sick     []Symptom     `json:"unhealthy,omitempty"`
	Drift    []string      `json:"drift,omitempty"` // objects that differ
	Left     []string      `json:"left,omitempty"`  // objects that are left as they are, as their annotations ask
	Found    []Difference  `json:"driftFound,omitempty"`
	Fights   []Contest     `json:"fights,omitempty"`
	Trouble  string        `json:"trouble,omitempty"`
	// Unrendered is the reason why the branch's wish is unknown: the app is kept as
	// last applied.
	Unrendered string `json:"unrendered,omitempty"`
	// Unselected says that the branch no longer selects the app's cluster: the app is kept as
	// last applied until somebody confirms that it goes.
	Unselected string  `json:"unselected,omitempty"`
	Forbidden  string  `json:"forbidden,omitempty"` // what the repository's grant does not give: the app is held
	Outage     *Outage `json:"outage,omitempty"`    // of the cluster: the rest is as it was last seen
	Running    string  `json:"running,omitempty"`   // the deploy that goes on
	Schedule   string  `json:"schedule,omitempty"`

	Suspension *record.Suspension `json:"suspension,omitempty"`
	Window     *Closed            `json:"window,omitempty"` // that closes deploys now

	Last *record.Record `json:"last,omitempty"`
}

// Sync says how the cluster and the branch stand to each other.
type Sync string

// The ways they can.
const (
	InSync    Sync = "in sync"
	Deploying Sync = "deploying"
	Drifted   Sync = "drifted"
	Unsure    Sync = "unknown" // the last check could not be done
	NotSynced Sync = "failed"
	Waits     Sync = "waiting" // the newest revision waits for a window
	Held      Sync = "held"    // the newest revision waits: pushed with -o skip, or the app is suspended
	Pending   Sync = "pending" // nothing has been deployed yet
	Gone      Sync = "removed"
)

// Symptom is an object that is not healthy, and why.
type Symptom struct {
	Object string    `json:"object"`
	State  string    `json:"state"`
	Since  time.Time `json:"since,omitzero"` // when it ceased to be healthy, as far as this server has seen
	Cause  string    `json:"cause,omitempty"`
}

// Difference is an object that differs from its revision.
type Difference struct {
	Object  string         `json:"object"`
	What    string         `json:"what"`              // "changed by kubectl-edit (Update, ...)", "was deleted"
	Fields  []string       `json:"fields,omitempty"`  // that differ
	Culprit *owner.Culprit `json:"culprit,omitempty"` // nil if nobody is named

	id      manifest.ID
	pending bool // it is not left alone: its correction is to come, or its end
	dying   bool // the deletion of the object is under way
}

func differenceOf(step plan.Step) Difference {
	found := Difference{id: step.ID, Object: step.ID.String(), What: cmp.Or(whatDiffers(step), "would be "+string(step.Action))}
	for _, change := range step.Changes {
		found.Fields = append(found.Fields, change.Path)
	}
	found.Culprit = culpritOf(step.Culprit)
	return found
}

// Contest is an object that somebody changes again after every correction.
type Contest struct {
	Object string `json:"object"`
	With   string `json:"with"`
	Times  int    `json:"times"`
	Next   string `json:"next"`             // how long the next correction waits at the least
	Ignore string `json:"ignore,omitempty"` // the entry of ignore: that would end it
}

func contests(fights map[manifest.ID]Fight) []Contest {
	var list []Contest
	for id, f := range fights {
		if f.with == "" {
			continue // it was not looked at yet
		}
		list = append(list, Contest{id.String(), f.with, f.Times, f.Next.String(), ignoreLine(id, f.pointers)})
	}
	slices.SortFunc(list, func(x, y Contest) int { return strings.Compare(x.Object, y.Object) })
	return list
}

// Apps lists the names of all apps, sorted.
func (e *Engine) Apps() []name.App {
	e.known()
	var names []name.App
	for _, a := range e.sorted() {
		names = append(names, a.name)
	}
	return names
}

// AppsOf lists the apps of a repository that have or want objects on a
// cluster.
func (e *Engine) AppsOf(repo name.Repo) []name.App {
	e.known()
	var names []name.App
	for _, a := range e.sorted() {
		if a.repository() == repo && !a.removed() && (a.lastRecord() != nil || a.wanted() != nil) {
			names = append(names, a.name)
		}
	}
	return names
}

// Home returns the repository of an app; ok is false if there is no such app.
func (e *Engine) Home(app name.App) (repo name.Repo, ok bool) {
	e.known()
	a := e.app(app)
	if a == nil {
		return "", false
	}
	return a.repository(), true
}

// Status returns how an app is; ok is false if there is no such app.
func (e *Engine) Status(app name.App) (status Status, ok bool) {
	e.known()
	a := e.app(app)
	if a == nil {
		return Status{}, false
	}
	return a.status(), true
}

func (a *app) status() Status {
	a.mu.Lock()
	s := Status{App: a.name, Repo: a.repo, Branch: a.branch, Last: a.last, Unrendered: a.unrendered}
	if a.unselected {
		s.Unrendered, s.Unselected = "", a.unrendered
	}
	t := a.want
	a.mu.Unlock()
	s.Trouble, s.Suspension = a.trouble.reason(), a.suspended.current()
	run := a.queue.newestRun()
	if t != nil {
		s.Found = a.differences(t)
	}
	for _, found := range s.Found {
		s.Drift = append(s.Drift, found.Object)
	}
	s.Fights = contests(a.fights.all())
	if run != nil {
		if _, ended := run.Outcome(); !ended {
			s.Running = run.ID()
		}
	}
	s.Health = "unknown"
	if t != nil {
		s.Revision, s.Cluster, s.Schedule, s.Path = t.Revision, t.Spec.Cluster, t.Spec.Schedule, t.Spec.Path
		s.Window = a.closing(t, time.Now()).shown(a.waits(t))
		sick := a.sick(t)
		s.Objects = a.count(t)
		s.Sick = symptoms(sick)
		s.Health, s.Left = overall(sick, s.Objects), a.frozen(t)
		if failed := append(a.goneSymptoms(t), hookSymptoms(s.Last)...); len(failed) > 0 {
			s.Sick, s.Health = append(s.Sick, failed...), "failing"
		}
		if !t.Gone {
			s.Forbidden = a.confined.reason()
		}
		if cluster := a.engine.Clusters.Get(t.Spec.Cluster); cluster != nil {
			s.Outage = cluster.outage()
		}
	}
	stands := a.standing(t, s)
	s.Sync, s.Reasons = stands.sync(), stands.reasons()
	return s
}

// standing gathers the facts that decide the app's sync.
func (a *app) standing(t *target, s Status) standing {
	stands := standing{
		running: s.Running != "", skipped: a.skippedRevision() != "", suspended: s.Suspension != nil,
		unread: s.Unrendered != "", unselected: s.Unselected != "", forbidden: s.Forbidden, differing: s.Found, trouble: s.Trouble,
	}
	if s.Last != nil {
		stands.last = s.Last.Stands()
		if s.Last.Result == record.Removed {
			stands.last = record.Removed
		}
	}
	if t != nil {
		stands.wanted, stands.settled = true, a.settled(t)
		stands.waits = s.Window != nil && s.Window.Waits
	}
	return stands
}

func symptoms(sick []live.Entry) []Symptom {
	list := make([]Symptom, 0, len(sick))
	for _, entry := range sick {
		list = append(list, Symptom{Object: entry.ID.String(), State: apply.State(entry.Health), Since: entry.Since})
	}
	return list
}

// goneSymptoms are the objects that failed for good and were deleted since.
func (a *app) goneSymptoms(t *target) []Symptom {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return nil
	}
	var list []Symptom
	for _, id := range a.failedAndGone(cluster.Index) {
		list = append(list, Symptom{Object: id.String(), State: "failed, and was deleted since"})
	}
	return list
}

func overall(sick []live.Entry, objects int) string {
	state := "healthy"
	if objects == 0 {
		state = "-"
	}
	for _, entry := range sick {
		if entry.Health.Status == health.Failed {
			return "failing"
		}
		state = "progressing"
	}
	return state
}

// count is how many objects the app has on its cluster.
func (a *app) count(t *target) int {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return 0
	}
	count := cluster.Index.Count(a.set)
	for _, entry := range cluster.Index.Unowned(a.set) {
		if !a.ledger.Made(entry) {
			count--
		}
	}
	return max(count, 0) // the index may change between the two questions
}

// Explain fills in the causes of a status's symptoms, by looking at the pods.
// It asks the cluster; without an answer the causes stay empty.
func (e *Engine) Explain(ctx context.Context, s *Status) {
	a := e.app(s.App)
	if a == nil || len(s.Sick) == 0 {
		return
	}
	t := a.wanted()
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	as := e.lookerOf(t)
	pods := map[string][]*unstructured.Unstructured{} // by namespace
	symptoms := map[string]*Symptom{}
	for i := range s.Sick {
		symptoms[s.Sick[i].Object] = &s.Sick[i]
	}
	for _, entry := range a.sick(t) {
		symptom := symptoms[entry.ID.String()]
		if symptom == nil {
			continue // it fell ill since
		}
		found, listed := pods[entry.ID.Namespace]
		if !listed {
			var err error
			if found, err = as.api.Pods(ctx, entry.ID.Namespace); err != nil {
				return
			}
			pods[entry.ID.Namespace] = found
		}
		if cause, ok := as.site.CauseOf(ctx, entry.ID, found); ok {
			symptom.Cause = t.Shown(cause.String())
			s.Health = "failing"
		}
	}
}

// explainTimeout bounds the questions of one Explain.
const explainTimeout = 10 * time.Second

// Run returns a running deploy, or the app's newest if that has ended; nil for any
// other.
func (e *Engine) Run(app name.App, number int) *Run {
	e.known()
	a := e.app(app)
	if a == nil {
		return nil
	}
	return a.queue.runOf(number)
}

// AppsOn lists the apps that a branch feeds, and that have or want objects.
func (e *Engine) AppsOn(repo name.Repo, branch name.Branch) []name.App {
	e.known()
	var names []name.App
	for _, a := range e.appsOn(repo, branch) {
		names = append(names, a.name)
	}
	return names
}

// Forget drops the apps of a deleted repository, so that their names are free. Their
// workers end, and their sealed data is deleted.
func (e *Engine) Forget(repo name.Repo) {
	e.known()
	if err := e.Sealed.ForgetRepository(repo); err != nil {
		e.Log.WithField("repository", repo).Warn(err) // the next start sweeps it
	}
	e.forgetUnread(repo)
	e.releases.forget(repo)
	e.readWith.forget(repo)
	for _, a := range e.strike(repo) {
		a.tellSchedules()
		if heir := e.app(a.name); heir != nil { // another repository has taken the name already
			heir.tellSchedules()
		}
	}
}

// strike takes the apps of a repository off the register, with their targets. It
// returns them.
func (e *Engine) strike(repo name.Repo) []*app {
	e.wants.Lock()
	defer e.wants.Unlock()
	struck := e.unregister(repo)
	for _, a := range struck {
		close(a.gone)
		a.suspended.set(nil)
		e.claims.SetKeys(a.name, nil)
		a.setWant(nil)
	}
	return struck
}
