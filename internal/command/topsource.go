package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/errand"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/top"
	"github.com/pushboat/pushboat/internal/view"
)

// topSource reads what top shows. What clusters were asked for is kept until something has
// changed there.
type topSource struct {
	*call

	mu     sync.Mutex
	causes map[name.App]diagnosis
	open   lookedAt
}

// diagnosis is a status with the causes of its symptoms.
type diagnosis struct {
	brief  string // of the status without them
	at     time.Time
	sick   []deploy.Symptom
	health string
}

// lookedAt is what is known of the app that is looked at.
type lookedAt struct {
	app     name.App
	brief   string // of the app and its own objects when the tree was read
	tree    deploy.Tree
	read    time.Time
	last    int // the newest record when deploys was read
	deploys []record.Record
}

const (
	// explainAgain is after how long the causes of the same symptoms are asked for again: a
	// pod's reason may change while its owner stays as it is.
	explainAgain = 30 * time.Second
	// explainWithin is how long a look at all apps waits for causes.
	explainWithin = 3 * time.Second
	// mostExplained bounds the apps whose causes one look asks for.
	mostExplained = 20
	// topDeploys is how many deploys of an app are listed.
	topDeploys = 50
)

// Apps lists the apps that the caller may see now.
func (t *topSource) Apps(ctx context.Context) []top.App {
	list := t.visible()
	t.explainAll(ctx, list)
	now := time.Now()
	apps := make([]top.App, 0, len(list))
	for _, s := range list {
		apps = append(apps, t.row(s, now))
	}
	return apps
}

func (t *topSource) row(s deploy.Status, now time.Time) top.App {
	app := top.App{
		Name: string(s.App), Urgency: int(view.UrgencyOf(s)), Running: s.Running,
		Cells: [5]string{dash(s.Revision.Short()), string(s.Sync), s.Health, lastDeploy(s.Last, now), driftCell(s)},
		Words: string(s.Repo) + " " + string(s.Branch) + " " + s.Cluster,
	}
	app.Facts = fmt.Sprintf("repository %s, branch %s, cluster %s, %s", s.Repo, s.Branch, dash(s.Cluster), manifest.Plural(s.Objects, "object"))
	if s.Last != nil {
		app.When, app.Newest = s.Last.Started, s.Last.ID()
	}
	if s.Outage != nil {
		app.Notes = append(app.Notes, strings.Split(outage(s.Outage, now), "\n")...)
	}
	for _, line := range details(s, now) {
		app.Notes = append(app.Notes, t.Fill(line))
	}
	return app
}

// explainAll fills in the causes of symptoms, as far as they are known within explainWithin.
func (t *topSource) explainAll(ctx context.Context, list []deploy.Status) {
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	var asking errgroup.Group
	asking.SetLimit(8)
	asked := 0
	for i := range list {
		if asked == mostExplained {
			break
		}
		if !t.hasCauses(&list[i]) {
			asked++
			asking.Go(func() error {
				t.explain(ctx, &list[i])
				return nil
			})
		}
	}
	_ = asking.Wait() // none of them fails
}

// hasCauses fills in the causes if they need not be asked for.
func (t *topSource) hasCauses(s *deploy.Status) bool {
	if len(s.Sick) == 0 || s.Outage != nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	was, ok := t.causes[s.App]
	if !ok || was.brief != inBrief(*s) || time.Since(was.at) >= explainAgain {
		return false
	}
	s.Sick, s.Health = was.sick, was.health
	return true
}

func (t *topSource) explain(ctx context.Context, s *deploy.Status) {
	brief := inBrief(*s)
	t.Engine.Explain(ctx, s)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.causes == nil {
		t.causes = map[name.App]diagnosis{}
	}
	if len(t.causes) > maxMarked { // of apps that are gone, or well again
		clear(t.causes)
	}
	t.causes[s.App] = diagnosis{brief, time.Now(), s.Sick, s.Health}
}

// App reads one app, if the caller may still see it. It is called by one goroutine at a time
// for the app on the screen.
func (t *topSource) App(ctx context.Context, word string, fresh bool) (top.Detail, bool) {
	app, err := name.ParseApp(word)
	if err != nil {
		return top.Detail{}, false
	}
	status, ok := t.seen(app)
	if !ok || t.stillAllowed(status, access.ReadDeploys) != nil {
		return top.Detail{}, false
	}
	if fresh || !t.hasCauses(&status) {
		t.explain(ctx, &status)
	}
	was := t.look(ctx, status, fresh)
	now := time.Now()
	d := top.Detail{App: t.row(status, now), Partial: was.tree.Partial, Read: was.read}
	for _, line := range foldTree(was.tree.Objects, false) {
		d.Objects = append(d.Objects, top.Object{Depth: line.depth, Cells: line.cells(now), Logs: line.logs})
	}
	if status.Running != "" {
		d.Deploys = append(d.Deploys, top.Deploy{ID: status.Running, Cells: [6]string{dash(status.Revision.Short()), "going on"}})
	}
	for _, r := range was.deploys {
		d.Deploys = append(d.Deploys, top.Deploy{ID: r.ID(), Cells: [6]string(historyCells(r, now)), Applied: r.Result.Applied()})
	}
	return d, true
}

// look reads the tree and the deploys of an app, as far as they may be others than before.
func (t *topSource) look(ctx context.Context, s deploy.Status, fresh bool) lookedAt {
	t.mu.Lock()
	was := t.open
	t.mu.Unlock()
	if was.app != s.App {
		was = lookedAt{app: s.App, last: -1}
	}
	brief := inBrief(s) + overviewBrief(t.Engine.Overview(s.App))
	if fresh || brief != was.brief {
		was.tree, _ = t.Engine.Tree(ctx, s.App)
		was.brief, was.read = brief, time.Now()
	}
	last := 0
	if s.Last != nil {
		last = s.Last.Number
	}
	if fresh || last != was.last {
		if list, err := t.History.List(ctx, s.Repo, s.App, 0, topDeploys); err == nil { // else what was there stays
			was.deploys, was.last = list, last
		}
	}
	t.mu.Lock()
	t.open = was
	t.mu.Unlock()
	return was
}

// overviewBrief sums up an app's own objects, so that two looks can be compared.
func overviewBrief(nodes []deploy.Node) string {
	var text strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&text, "\n%s %s %s %t", n.Object, n.Health, n.Message, n.Drifted)
	}
	return text.String()
}

// refusals say why an errand does not fit an app.
var refusals = map[string]string{
	"sync":     "The app is suspended: u resumes it, and deploys what was pushed meanwhile.",
	"rollback": "It has no deploy yet.",
	"resume":   "It is not suspended.",
	"cancel":   "No deploy of it goes on.",
}

// Ask says what a verb would do about an app, and shows its plan.
func (t *topSource) Ask(ctx context.Context, verb, app, to string) top.Question {
	q := top.Question{Verb: verb, App: app, Title: verb + " " + app, Refused: true}
	e, known := errand.Of(verb)
	at, err := name.ParseApp(app)
	status, ok := t.seen(at)
	if !known || err != nil || !ok {
		q.Plan = []string{"App " + app + " is not there any more, or you may not see it."}
		return q
	}
	q.Title, q.Says, q.Typed = e.Title+": "+app, e.Says(status), t.Fill(strings.TrimSpace("ssh HOST "+verb+" "+app+" "+to))
	switch {
	case !t.Policy.Allows(t.Caller(), e.Right, view.SubjectOf(status)):
		q.Plan = []string{"Your key may not do this. See why:", t.Fill(fmt.Sprintf("  ssh HOST access explain %s %s %s", t.Caller().Operator, status.Repo, status.Branch))}
		return q
	case !e.Fits(status):
		q.Plan = []string{refusals[verb]}
		return q
	}
	about := []string{"--", app}
	if to != "" {
		about = append(about, to)
	}
	q.Words, q.Refused = append([]string{verb}, about...), false
	var plan []string
	switch verb {
	case "sync":
		plan, q.Words = []string{"plan", "--", app}, append([]string{"sync", "--detach"}, about...)
	case "rollback":
		plan, q.Words = append([]string{"rollback", "--plan"}, about...), append([]string{"rollback", "--detach"}, about...)
	case "check", "resume", "cancel":
		q.Follow = true
		return q
	}
	q.Refused = t.Run(ctx, plan, func(line string) { q.Plan = append(q.Plan, line) })
	return q
}

// Run runs a verb as if it had been typed.
func (t *topSource) Run(ctx context.Context, words []string, tell func(line string)) (failed bool) {
	s := &errand.Session{By: t.Caller(), With: t.Key(), FillWith: t.Fill, End: ctx.Done(), Tell: tell}
	status := t.Desk.Run(ctx, s, words)
	s.Finish()
	return status != exitOK
}

// cells are the cells of a line of a tree.
func (l treeLine) cells(now time.Time) [4]string {
	age := "-"
	if !l.created.IsZero() {
		age = manifest.Roughly(now.Sub(l.created))
	}
	return [4]string{l.object, l.health, age, l.message}
}

// historyCells are the cells of a deploy in the list of an app's deploys, but for its id.
func historyCells(r record.Record, now time.Time) []string {
	by := r.Operator
	if r.Cause != record.CausePush {
		by += " (" + string(r.Cause) + ")"
	}
	return []string{r.Revision.Short(), string(r.Result), fmt.Sprintf("%.1f s", r.Seconds), ago(r.Started, now), by, strconv.Itoa(r.Changed())}
}

// podLogs names an object whose pods print something, as the verb logs takes it; "" for any
// other.
func podLogs(n deploy.Node) string {
	if !n.RunsPods() {
		return ""
	}
	return strings.ToLower(n.ID.Kind) + "/" + strings.Join(slices.DeleteFunc([]string{n.ID.Namespace, n.ID.Name}, func(s string) bool { return s == "" }), "/")
}
