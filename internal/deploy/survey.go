package deploy

import (
	"cmp"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/tally"
)

// tallies count what the engine has done since the server started.
type tallies struct {
	deploys tally.TimesBy[record.Result]
	stages  tally.TimesBy[string]
	checks  tally.CountsBy[CheckResult]
	applied tally.CountsBy[Applied]
}

// appTally counts what became of one app. It goes with the app.
type appTally struct {
	results tally.CountsBy[record.Result]
	drift   tally.CountsBy[record.Result] // objects, by whether they were Corrected or only found
}

// Applied is what was done to objects of a cluster.
type Applied struct {
	Cluster string
	Action  record.Action
}

// Work is what the engine has done since the server started.
type Work struct {
	Deploys map[record.Result]tally.Distribution // from the request to the record, by the result
	Stages  map[string]tally.Distribution        // of attempts
	Checks  map[CheckResult]int64
	Applied map[Applied]int64 // objects
}

// Work returns what was done.
func (e *Engine) Work() Work {
	t := &e.tallies
	return Work{Deploys: t.deploys.Read(), Stages: t.stages.Read(), Checks: t.checks.Read(), Applied: t.applied.Read()}
}

// AppState is an app as it stands, in figures.
type AppState struct {
	App      name.App
	Repo     name.Repo
	Cluster  string // "": nothing is wanted of the app
	Health   string // healthy, progressing, failing, unknown, or "-" for an app without objects
	Sync     Sync
	Objects  int
	Drifted  int
	Deployed time.Time // when the newest record was made; zero: there is none

	Results   map[record.Result]int64 // records since the server started
	Found     int64                   // objects with drift since then, with those that were corrected
	Corrected int64
}

// Survey tells of every app, by name. It asks no cluster, and returns nothing while the
// repositories are being read.
func (e *Engine) Survey() []AppState {
	select {
	case <-e.loaded:
	default:
		return nil
	}
	var states []AppState
	for _, a := range e.sorted() {
		if !a.removed() {
			states = append(states, a.survey())
		}
	}
	return states
}

func (a *app) survey() AppState {
	s := a.status()
	drift := a.tally.drift.Read()
	state := AppState{
		App: s.App, Repo: s.Repo, Cluster: s.Cluster, Health: s.Health, Sync: s.Sync,
		Objects: s.Objects, Drifted: len(s.Found), Results: a.tally.results.Read(),
		Found: drift[record.Corrected] + drift[record.DriftFound], Corrected: drift[record.Corrected],
	}
	if s.Last != nil {
		state.Deployed = s.Last.Started.Add(time.Duration(s.Last.Seconds * float64(time.Second)))
	}
	return state
}

// tallyRecord enters a record in the tallies.
func (a *app) tallyRecord(r record.Record) {
	t := &a.engine.tallies
	t.deploys.Note(r.Result, time.Duration(r.Seconds*float64(time.Second)))
	a.tally.results.Add(r.Result, 1)
	if r.Result == record.Corrected || r.Result == record.DriftFound {
		a.tally.drift.Add(r.Result, int64(len(r.Objects)))
	}
	for _, o := range r.Objects {
		if o.Action != record.Left {
			t.applied.Add(Applied{r.Cluster, o.Action}, 1)
		}
	}
	if n := len(r.Deleted); n > 0 {
		t.applied.Add(Applied{r.Cluster, record.Delete}, int64(n))
	}
}

// Sight is how a cluster is seen, without asking it anything.
type Sight struct {
	ClusterState
	Objects int // that are watched
}

// Sights tells of the clusters that somebody names, by name.
func (e *Engine) Sights() []Sight {
	var sights []Sight
	for _, cluster := range e.Clusters.All() {
		if !cluster.removed.Load() {
			sights = append(sights, cluster.sight())
		}
	}
	slices.SortFunc(sights, func(a, b Sight) int { return cmp.Compare(a.Name, b.Name) })
	return sights
}

func (c *Cluster) sight() Sight {
	sight := Sight{ClusterState: ClusterState{
		Name: c.api.Name(), Outage: c.outage(), Watches: c.Index.Watches(), Latencies: c.api.Latencies(),
	}}
	for _, watch := range sight.Watches {
		sight.Objects += watch.Objects
	}
	return sight
}
