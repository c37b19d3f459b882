package web

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/view"
)

// pageSize is how many apps are on a page.
const pageSize = 50

// filter says which apps are wanted. It is in the address, so that it can be shared.
type filter struct {
	Text      string // in the app's name, or its repository's
	Repo      string
	Cluster   string
	Namespace string
	State     string // one of states
	Operator  string // who deployed it last
	Page      int    // from 1
}

// The states to filter by.
const (
	stateTrouble   = "trouble"
	stateDrifted   = "drifted"
	stateRunning   = "deploying"
	stateSuspended = "suspended"
	stateWaiting   = "waiting"
	stateFine      = "fine"
)

var states = []string{stateTrouble, stateDrifted, stateRunning, stateSuspended, stateWaiting, stateFine}

// maxFilter bounds a word of the filter, in bytes.
const maxFilter = 200

func readFilter(q url.Values) filter {
	word := func(name string) string { return bounded(strings.TrimSpace(q.Get(name)), maxFilter) }
	f := filter{
		Text: word("q"), Repo: word("repo"), Cluster: word("cluster"), Namespace: word("namespace"),
		State: word("state"), Operator: word("operator"),
	}
	f.Page, _ = strconv.Atoi(q.Get("page")) // 0 for anything else
	f.Page = max(f.Page, 1)
	if !slices.Contains(states, f.State) {
		f.State = ""
	}
	return f
}

// address is the address of the overview with this filter, and another page of it.
func (f filter) address(page int) string {
	q := url.Values{}
	for name, word := range map[string]string{
		"q": f.Text, "repo": f.Repo, "cluster": f.Cluster, "namespace": f.Namespace, "state": f.State, "operator": f.Operator,
	} {
		if word != "" {
			q.Set(name, word)
		}
	}
	if page > 1 {
		q.Set("page", strconv.Itoa(page))
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// wants reports whether an app passes, but for its namespaces, which take a look more.
func (f filter) wants(s *card) bool {
	by := ""
	if s.Last != nil {
		by = s.Last.Operator
	}
	text := strings.ToLower(f.Text)
	return (text == "" || strings.Contains(strings.ToLower(string(s.App)), text) || strings.Contains(strings.ToLower(string(s.Repo)), text)) &&
		(f.Repo == "" || string(s.Repo) == f.Repo) && (f.Cluster == "" || s.Cluster == f.Cluster) &&
		(f.Operator == "" || by == f.Operator) && (f.State == "" || s.isIn(f.State))
}

// isIn reports whether an app is in a state of the filter.
func isIn(s deploy.Status, state string) bool {
	switch state {
	case stateTrouble:
		return view.UrgencyOf(s) == view.Urgent
	case stateDrifted:
		return len(s.Drift) > 0
	case stateRunning:
		return s.Running != ""
	case stateSuspended:
		return s.Suspension != nil
	case stateWaiting:
		return s.Sync == deploy.Waits || s.Sync == deploy.Held || s.Sync == deploy.Pending
	}
	return view.UrgencyOf(s) == view.Calm
}

// overview is the first page.
type overview struct {
	Filter   filter
	States   []string
	Rows     []row
	Total    int // that the visitor may see
	Found    int // of them, that pass the filter
	Pages    int
	Before   string // the address of the page before; "": there is none
	After    string
	Counts   map[string]int // by state, of all
	Running  []row
	Outages  []*deploy.Outage
	Away     []mirror.Standing // mirrors and remotes that could not be asked
	Day      day
	Choices  choices
	Push     string // how to push
	Everyone bool
}

// choices are the words that a filter may have.
type choices struct{ Repos, Clusters, Operators []string }

// row is a line of the overview.
type row struct {
	*card
	Urgency view.Urgency
	Why     []string // what is wrong, in a few lines
	When    string   // it was deployed last
}

// showOverview shows all apps: first what is wrong. Visitors who see the same share one page.
func showOverview(v *visit) error {
	cards, sum := v.visible(v.door.board.look())
	f, day, away := readFilter(v.r.URL.Query()), v.dayOf(), v.awayOf(cards)
	push := v.fill("git push ssh://HOST/NAME main")
	key := fmt.Sprintf("%t %x %d %v %q %q %s", v.everybody(), sum, len(cards), day, push, awayText(away), v.r.URL.RequestURI())
	main, err := v.door.board.prints.of(key, v.now, func() (template.HTML, error) {
		o := v.overview(cards)
		o.Day, o.Push, o.Away = day, push, away
		return v.main("overview", o)
	})
	if err != nil {
		return err
	}
	if v.r.Header.Get("HX-Request") != "" { // without the parts of the form that are empty
		v.w.Header().Set("HX-Replace-Url", f.address(f.Page))
	}
	return v.show("overview", frame{Title: "Overview", Section: "overview", Live: "/live?since=" + sumText(sum), Main: main})
}

// overview is the page of apps, with what the visitor may see of them.
func (v *visit) overview(all []*card) overview {
	f := readFilter(v.r.URL.Query())
	if v.everybody() {
		public := make([]*card, len(all))
		for i, s := range all {
			public[i] = s.forEverybody()
		}
		all = public
	}
	o := overview{Filter: f, States: states, Total: len(all), Counts: map[string]int{}, Choices: choicesOf(all), Everyone: v.everybody()}
	found := v.found(f, all)
	for i, state := range states {
		for _, s := range all {
			o.Counts[state] += int(s.states >> i & 1)
		}
	}
	for _, s := range all {
		if s.Running != "" && len(o.Running) < maxRunning {
			o.Running = append(o.Running, row{card: s})
		}
	}
	o.Outages = outagesOf(all)
	o.Found = len(found)
	o.Pages = max((len(found)+pageSize-1)/pageSize, 1)
	o.Filter.Page = min(f.Page, o.Pages)
	if o.Filter.Page > 1 {
		o.Before = f.address(o.Filter.Page - 1)
	}
	if o.Filter.Page < o.Pages {
		o.After = f.address(o.Filter.Page + 1)
	}
	first := (o.Filter.Page - 1) * pageSize
	for _, s := range found[first:min(first+pageSize, len(found))] {
		o.Rows = append(o.Rows, row{card: s, Urgency: s.urgency, Why: whyOf(s.Status), When: deployedAgo(s.Last, v.now)})
	}
	return o
}

// maxRunning bounds the deploys that go on of which the overview tells apart.
const maxRunning = 20

// More is how many more deploys go on than Running has.
func (o overview) More() int { return o.Counts[stateRunning] - len(o.Running) }

// found lists the apps that pass the filter, the most urgent first.
func (v *visit) found(f filter, all []*card) []*card {
	var by [view.Calm + 1][]*card
	for _, s := range all {
		if f.wants(s) && (f.Namespace == "" || v.door.Apps.Engine.IsIn(s.App, f.Namespace)) {
			by[s.urgency] = append(by[s.urgency], s)
		}
	}
	return slices.Concat(by[:]...)
}

// maxWhy bounds the lines that say what is wrong with one app.
const maxWhy = 3

// whyOf says what is wrong with an app.
func whyOf(s deploy.Status) []string {
	var lines []string
	add := func(text string) {
		first, _, _ := strings.Cut(text, "\n")
		lines = append(lines, manifest.Clean(first))
	}
	if s.Outage != nil {
		add("cluster " + s.Outage.Cluster + " does not answer")
	}
	if s.Forbidden != "" {
		add("held: " + s.Forbidden)
	}
	if s.Unrendered != "" {
		add("cannot be rendered: " + s.Unrendered)
	}
	for _, symptom := range s.Sick {
		add(symptom.Object + ": " + symptom.State)
	}
	if s.Last != nil && s.Sync == deploy.NotSynced && s.Last.Message != "" {
		add(s.Last.Message)
	}
	for _, found := range s.Found {
		add(found.Object + " " + found.What)
	}
	if s.Suspension != nil {
		add(s.Suspension.Describe())
	}
	if s.Trouble != "" {
		add("last check: " + s.Trouble)
	}
	if more := len(lines) - maxWhy; more > 0 {
		lines = append(lines[:maxWhy], "and "+strconv.Itoa(more)+" more")
	}
	return lines
}

func outagesOf(all []*card) []*deploy.Outage {
	var list []*deploy.Outage
	for _, s := range all {
		if s.Outage != nil && !slices.ContainsFunc(list, func(o *deploy.Outage) bool { return o.Cluster == s.Outage.Cluster }) {
			list = append(list, s.Outage)
		}
	}
	return list
}

// maxChoices bounds the words that are offered for one part of the filter.
const maxChoices = 200

func choicesOf(all []*card) choices {
	repos, clusters, operators := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range all {
		repos[string(s.Repo)], clusters[s.Cluster] = true, true
		if s.Last != nil {
			operators[s.Last.Operator] = true
		}
	}
	return choices{sorted(repos), sorted(clusters), sorted(operators)}
}

func sorted(words map[string]bool) []string {
	var list []string
	for word := range words {
		if word != "" {
			list = append(list, word)
		}
	}
	slices.Sort(list)
	return list[:min(len(list), maxChoices)]
}

// day is the last day in a picture: a bar for each hour.
type day struct {
	Hours     []hour
	Good, Bad int
	All       int
}

// hour has the deploys that ended in it, and the bars' places in the picture, which has 24
// units by 10.
type hour struct {
	Good, Bad      int
	X, GoodY, BadY int
	GoodH, BadH    int
	Nothing        bool
}

// dayHeight is the height of the picture's bars.
const dayHeight = 40

// dayOf draws the deploys that have ended in the last day, as far as the server remembers.
func (v *visit) dayOf() day {
	d := newDay()
	for _, e := range v.door.board.ended.since(v.door.Events, v.now.Add(-24*time.Hour)) {
		if v.readsDeploys(e.repo) {
			d.add(e.at, e.good, v.now)
		}
	}
	return d.drawn()
}

func newDay() *day {
	d := &day{Hours: make([]hour, 24)}
	for i := range d.Hours {
		d.Hours[i].X = i * 10
	}
	return d
}

// add counts a deploy that has ended.
func (d *day) add(at time.Time, good bool, now time.Time) {
	ago := now.Sub(at)
	if ago < 0 || ago >= 24*time.Hour {
		return
	}
	h := &d.Hours[23-int(ago/time.Hour)]
	if good {
		h.Good++
		d.Good++
	} else {
		h.Bad++
		d.Bad++
	}
}

// drawn is the day with its bars.
func (d *day) drawn() day {
	most := 1
	for _, h := range d.Hours {
		most = max(most, h.Good+h.Bad)
	}
	d.All = d.Good + d.Bad
	for i := range d.Hours {
		h := &d.Hours[i]
		h.GoodH, h.BadH = barOf(h.Good, most), barOf(h.Bad, most)
		h.GoodY = dayHeight - h.BadH - h.GoodH
		h.BadY = dayHeight - h.BadH
		h.Nothing = h.Good+h.Bad == 0
	}
	return *d
}

// barOf is the height of a bar: something is seen of a single deploy.
func barOf(n, most int) int {
	if n == 0 {
		return 0
	}
	return max(n*dayHeight/most, 4)
}

// deployedAgo says when an app was deployed last.
func deployedAgo(last *record.Record, now time.Time) string {
	switch {
	case last == nil:
		return "never"
	case last.Result == record.Waiting:
		return "not yet"
	}
	return manifest.Roughly(now.Sub(last.Started)) + " ago"
}
