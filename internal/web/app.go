package web

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/view"
)

// Limits of what one page shows.
const (
	historyPage = 20                 // deploys
	lately      = 7 * 24 * time.Hour // how far back drift is looked for
	maxLately   = 10                 // objects that had drifted
	maxGroup    = 1000               // objects of one group of the tree
)

// appPage is the page of an app.
type appPage struct {
	Status   deploy.Status
	Urgency  view.Urgency
	Why      []string
	Facts    [][2]string
	Groups   []kindGroup
	All      bool // nothing of them is folded
	Hidden   int  // objects that are left out, unless All
	Partial  []string
	Drift    deploy.Drift
	Lately   []view.Finding
	History  []record.Record
	Older    int // the number before which further deploys are; 0: there are none
	Actions  []action
	Logs     string   // the address of its logs; "": they are not for the visitor
	Commands []string // what the terminal can do beside
	Everyone bool

	Around  around
	Changed *lastChange // nil: nothing has, or it is not for the visitor
}

// showApp shows an app: how it is, its objects, its drift and its deploys. Visitors who see
// the same share one page.
func showApp(v *visit) error {
	news := v.takeNews()
	s, err := v.sheet("app", news != nil, drawApp)
	if err != nil {
		return err
	}
	return v.show("app", frame{Title: string(v.app.App), Section: "overview", Live: "/apps/" + string(v.app.App) + "/live?since=" + s.since, News: news, Main: s.html})
}

// drawApp draws the page of an app, see sheet.
func drawApp(v *visit) (html template.HTML, since string, err error) {
	ctx := v.r.Context()
	since = sumText(sumOf(v.app)) // before anything is found out
	if !v.everybody() {           // the cause may be a line that a container has printed
		v.door.Apps.Engine.Explain(ctx, &v.app)
	}
	tree, _ := v.door.Apps.Engine.Tree(ctx, v.app.App)
	drift, _ := v.door.Apps.Engine.Drift(ctx, v.app.App, true)
	lately, err := v.door.Apps.Findings(ctx, v.app, v.now.Add(-lately), maxLately)
	if err != nil {
		return "", "", err
	}
	deploys, older, err := v.deploys()
	if err != nil {
		return "", "", err
	}
	p := v.appPage(tree, drift, lately, deploys)
	p.Older = older
	ties, _ := v.door.Apps.Engine.Ties(v.app.App, v.now)
	events, _ := v.door.Events.Since(0)
	p.Around = v.around(ties, events)
	p.Around.Needs, p.Around.NeededBy = v.seenOf(ties.Needs), v.seenOf(ties.NeededBy)
	p.Actions = slices.DeleteFunc(p.Actions, func(a action) bool { return a.Verb == "test" && !ties.Tests })
	if p.Changed, err = v.changedLast(); err != nil {
		return "", "", err
	}
	html, err = v.main("app", p)
	return html, since, err
}

// appPage is the page of the visitor's app, with what they may see.
func (v *visit) appPage(tree deploy.Tree, drift deploy.Drift, lately []view.Finding, deploys []record.Record) appPage {
	p := appPage{Status: v.app, Urgency: view.UrgencyOf(v.app), Facts: factsOf(v.app), Everyone: v.everybody(), Why: v.reasons(), Drift: drift, Lately: lately, History: deploys}
	if v.everybody() {
		tree.Objects, tree.Partial = publicNodes(tree.Objects), nil
		p.Drift, p.Lately, p.History = publicDrift(drift), publicFindings(lately), publicRecords(deploys)
	}
	p.All = v.r.URL.Query().Has("all")
	p.Groups, p.Partial = groupTree(v.app.App, tree.Objects, p.All), tree.Partial
	for _, g := range p.Groups {
		p.Hidden += g.More
	}
	if v.allows(access.ReadLogs, v.app) && v.app.Objects > 0 {
		p.Logs = "/apps/" + string(v.app.App) + "/logs"
	}
	for _, a := range actions() {
		if a.Fits(v.app) && v.allows(a.Right, v.app) {
			p.Actions = append(p.Actions, a)
		}
	}
	if !v.everybody() {
		for _, verb := range []string{"status ", "tree ", "drift ", "logs -f "} {
			p.Commands = append(p.Commands, v.fill("ssh HOST "+verb+string(v.app.App)))
		}
	}
	return p
}

// deploys lists those of the app, newest first, before the one of the query.
func (v *visit) deploys() (list []record.Record, older int, err error) {
	before, _ := strconv.Atoi(v.r.URL.Query().Get("before")) // 0 for anything else: the newest
	list, err = v.door.Apps.History.List(v.r.Context(), v.app.Repo, v.app.App, max(before, 0), historyPage+1)
	if len(list) > historyPage {
		list = list[:historyPage]
		older = list[historyPage-1].Number
	}
	return list, older, err
}

// factsOf are the lines that say what an app is.
func factsOf(s deploy.Status) [][2]string {
	facts := [][2]string{
		{"Repository", string(s.Repo)},
		{"Branch", string(s.Branch)},
		{"Folder", s.Path},
		{"Cluster", s.Cluster},
		{"Revision", s.Revision.Short()},
		{"Objects", strconv.Itoa(s.Objects)},
		{"Schedule", s.Schedule},
	}
	if s.Suspension != nil {
		facts = append(facts, [2]string{"Suspended", s.Suspension.Describe()})
	}
	if s.Window != nil {
		facts = append(facts, [2]string{"Window", s.Window.String()})
	}
	var known [][2]string
	for _, fact := range facts {
		if fact[1] != "" {
			known = append(known, fact)
		}
	}
	return known
}

// reasons say in full what is wrong with the app.
func (v *visit) reasons() []string {
	s := v.app
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, v.fill(manifest.CleanLines(fmt.Sprintf(format, args...))))
	}
	if s.Outage != nil {
		add("cluster %s is not seen since %s: %s. What follows is as it was last seen.", s.Outage.Cluster, s.Outage.Since.UTC().Format("15:04 UTC"), s.Outage.Error)
		if s.Outage.Hint != "" {
			add("%s", s.Outage.Hint)
		}
	}
	for _, symptom := range s.Sick {
		text := symptom.Object + ": " + symptom.State
		if symptom.Cause != "" {
			text += ": " + symptom.Cause
		}
		if unwell := v.now.Sub(symptom.Since); !symptom.Since.IsZero() && unwell >= time.Second {
			text += " (for " + manifest.Roughly(unwell) + ")"
		}
		add("%s", text)
	}
	if s.Last != nil && s.Sync == deploy.NotSynced && s.Last.Message != "" {
		add("deploy %s %s: %s", s.Last.ID(), s.Last.Result, s.Last.Message)
	}
	for _, text := range []struct{ before, why string }{
		{"held: ", s.Forbidden}, {"cannot be rendered, and is kept as it was last applied: ", s.Unrendered}, {"last check: ", s.Trouble},
	} {
		if text.why != "" {
			add("%s%s", text.before, text.why)
		}
	}
	for _, fight := range s.Fights {
		add("fighting over %s with %s, %d times", fight.Object, fight.With, fight.Times)
		if fight.Ignore != "" {
			add("leave it to them with ignore: [%s]", fight.Ignore)
		}
	}
	return lines
}

// deployPage is the page of a deploy: a running one, or a record.
type deployPage struct {
	ID       string
	App      deploy.Status
	Running  bool
	Lines    []string
	From     int // the lines that are shown already
	Record   record.Record
	Changes  []view.Object
	Against  string // the deploy before, with which it is compared
	Everyone bool
	Can      []action
	Course   *coursePart // nil: nothing is known of it
	Hooks    map[string]hookLinks
}

// hookLinks are the addresses of a hook that is still on the cluster.
type hookLinks struct{ Object, Logs string }

// showDeploy shows a deploy: how it goes on, or its record. Visitors who see the same share
// one page, and while it goes on the picture of its stages.
func showDeploy(v *visit) error {
	id := record.DeployID(v.app.App, v.number)
	f := frame{Title: id, Section: "overview", News: v.takeNews()}
	run := v.door.Apps.Engine.Run(v.app.App, v.number)
	goesOn := false
	if run != nil {
		_, ended := run.Outcome()
		goesOn = !ended
	}
	part := v.r.URL.Query().Get("part") != ""
	if goesOn && !part {
		f.Body = v.running(id, run, true)
		return v.show("deploy", f)
	}
	shows, draw := "record", drawRecord
	if goesOn {
		shows, draw = "course", func(v *visit) (html template.HTML, since string, err error) {
			html, err = v.main("deploy", v.running(id, run, false))
			return html, "", err
		}
	}
	s, err := v.sheet(shows+" "+id, f.News != nil, draw)
	if err != nil {
		return err
	}
	f.Main = s.html
	return v.show("deploy", f)
}

// running is the page of a deploy that goes on; with lines, what it has said so far is there.
func (v *visit) running(id string, run *deploy.Run, lines bool) deployPage {
	p := deployPage{ID: id, App: v.app, Everyone: v.everybody(), Running: true}
	stages := run.Course()
	if v.everybody() {
		stages = publicStages(stages)
	}
	if p.Course = courseOf(stages); p.Course != nil {
		p.Course.Live = "/deploys/" + id + "?part=course"
	}
	if lines && !v.everybody() {
		log := run.Log()
		p.Lines, p.From = linesOf(log), len(splitLines(string(log)))
	}
	return p
}

// drawRecord draws the page of a deploy that has ended, see sheet.
func drawRecord(v *visit) (html template.HTML, since string, err error) {
	p := deployPage{ID: record.DeployID(v.app.App, v.number), App: v.app, Everyone: v.everybody()}
	entry, ok, err := v.door.Apps.History.Find(v.r.Context(), v.app.Repo, v.app.App, v.number)
	if err != nil {
		return "", "", err
	}
	if !ok {
		return "", "", errNotFound
	}
	p.Record = entry.Record
	if v.everybody() {
		p.Record = publicRecord(entry.Record)
		p.Course = courseOf(p.Record.Stages)
		html, err = v.main("deploy", p)
		return html, "", err
	}
	if v.allows(access.ReadLogs, v.app) {
		p.Record = v.door.Apps.Engine.WithPrinted(p.Record)
	}
	p.Course, p.Hooks = courseOf(p.Record.Stages), v.hooksOf(p.Record)
	p.Lines = linesOf(entry.Log)
	if err := v.compare(&p); err != nil {
		return "", "", err
	}
	if back, ok := actionOf("rollback"); ok && v.allows(access.Rollback, v.app) && p.Record.Result.Applied() {
		p.Can = append(p.Can, back)
	}
	html, err = v.main("deploy", p)
	return html, "", err
}

// hooksOf finds the hooks of a deploy that are still on the cluster.
func (v *visit) hooksOf(r record.Record) map[string]hookLinks {
	if len(r.Hooks) == 0 {
		return nil
	}
	links := map[string]hookLinks{}
	for _, node := range v.door.Apps.Engine.Overview(v.app.App) {
		if node.Health == deploy.MissingHealth {
			continue
		}
		link := hookLinks{Object: objectPath(v.app.App, node.ID)}
		if node.RunsPods() && v.allows(access.ReadLogs, v.app) {
			link.Logs = logsPath(v.app.App, logName(node.ID))
		}
		links[node.ID.Key()] = link
	}
	return links
}

// compare fills in the objects that differ from the deploy before. For one that applied
// nothing, there are none.
func (v *visit) compare(p *deployPage) error {
	if !p.Record.Result.Applied() && p.Record.Result != record.Failed {
		return nil
	}
	found, ok, err := v.door.Apps.History.Compare(v.r.Context(), v.app.Repo, v.app.App, history.Span{To: v.number, Most: maxGroup})
	if err != nil || !ok {
		return err
	}
	if found.From.Number > 0 {
		p.Against = found.From.ID()
	}
	p.Changes, err = view.ObjectsOf(found.Changes)
	return err
}

// maxShown bounds the lines of a deploy that a page has.
const maxShown = 5000

// linesOf are the lines of a log. Of too many, the last count.
func linesOf(log []byte) []string {
	lines := splitLines(string(log))
	if len(lines) > maxShown {
		return lines[len(lines)-maxShown:]
	}
	return lines
}

func splitLines(text string) []string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
