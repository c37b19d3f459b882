package metrics

import (
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/sshd"
	"github.com/pushboat/pushboat/internal/tally"
)

// Sources are where metrics come from. Every field is required.
type Sources struct {
	Version   string
	GoVersion string
	Unready   func() error  // why the server takes no push; nil: it takes them
	Parts     func() *Parts // nil while the server stands by or starts
}

// Parts are those of a server that leads. Every field is required.
type Parts struct {
	Door      Door
	Engine    Engine
	Renderers Renderers
	Repos     Repos
	SSH       SSH
	Trail     Trail
	Backups   Backups
	Traces    Traces
	Announcer Announcer
	Notifier  Notifier
	Mirrors   Mirrors
	Disk      func() (free, all uint64, err error) // of the data directory, in bytes
}

// The parts of a server, as far as metrics read them.
type (
	// Door is a push.Door.
	Door interface {
		Outcomes() map[push.Outcome]int64
		Gated() map[push.Outcome]tally.Distribution
	}
	// Engine is a deploy.Engine.
	Engine interface {
		Work() deploy.Work
		Survey() []deploy.AppState
		Sights() []deploy.Sight
		Queue() deploy.Queue
	}
	// Renderers is a worker.Pool.
	Renderers interface{ Load() (busy, waiting int) }
	// Repos is a git.Store.
	Repos interface{ Counts() git.Counts }
	// SSH is an sshd.Server.
	SSH interface{ Counts() sshd.Counts }
	// Trail is an audit.Trail.
	Trail interface{ Standing() audit.Standing }
	// Traces is a trace.Tracer.
	Traces interface{ Counts() (sent, dropped int64) }
	// Announcer is an announce.Announcer.
	Announcer interface {
		Counts() (sent, failed, skipped int64)
	}
	// Notifier is a notify.Notifier.
	Notifier interface {
		State() (receivers []notify.ReceiverState, trouble string)
	}
	// Mirrors is a mirror.Sender.
	Mirrors interface{ Standings() []mirror.Standing }
	// Backups is an offsite.Keeper.
	Backups interface{ State() *offsite.State }
)

// sample is one series of a metric at the moment.
type sample struct {
	labels []string // values, in the order of the metric's labels
	value  float64  // of a histogram: the sum
	count  uint64   // of a histogram
	within map[float64]uint64
}

func value(v float64, labels ...string) sample { return sample{labels: labels, value: v} }

// moment is a time; none for the zero time.
func moment(t time.Time, labels ...string) []sample {
	if t.IsZero() {
		return nil
	}
	return []sample{value(float64(t.UnixMilli())/1000, labels...)}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// byKey makes series of counts.
func byKey[K ~string](counts map[K]int64) []sample {
	samples := make([]sample, 0, len(counts))
	for key, n := range counts {
		samples = append(samples, value(float64(n), string(key)))
	}
	return samples
}

// timesByKey makes series of durations.
func timesByKey[K ~string](times map[K]tally.Distribution) []sample {
	samples := make([]sample, 0, len(times))
	for key, d := range times {
		samples = append(samples, sample{labels: []string{string(key)}, value: d.Seconds, count: d.Count, within: d.Within})
	}
	return samples
}

// scrape is one reading of all metrics. What several of them come from is read once.
type scrape struct {
	sources Sources
	parts   *Parts // nil: the server does not lead

	apps     func() []deploy.AppState
	clusters func() []deploy.Sight
	work     func() deploy.Work
	mirrors  func() []mirror.Standing
	told     func() (receivers []notify.ReceiverState, trouble string)
}

func newScrape(sources Sources) *scrape {
	s := &scrape{sources: sources, parts: sources.Parts()}
	if s.parts != nil {
		s.apps = sync.OnceValue(s.parts.Engine.Survey)
		s.clusters = sync.OnceValue(s.parts.Engine.Sights)
		s.work = sync.OnceValue(s.parts.Engine.Work)
		s.mirrors = sync.OnceValue(s.parts.Mirrors.Standings)
		s.told = sync.OnceValues(s.parts.Notifier.State)
	}
	return s
}

// disk is one of the figures of the data directory's disk; none if it cannot be asked.
func (s *scrape) disk(which func(free, all uint64) uint64) []sample {
	free, all, err := s.parts.Disk()
	if err != nil {
		return nil
	}
	return []sample{value(float64(which(free, all)))}
}

// ofApps makes a series of each app, with a word about it.
func (s *scrape) ofApps(word func(deploy.AppState) string) []sample {
	samples := make([]sample, 0, len(s.apps()))
	for _, app := range s.apps() {
		samples = append(samples, value(1, string(app.App), string(app.Repo), app.Cluster, word(app)))
	}
	return samples
}

func ofEachApp(figure func(deploy.AppState) float64) func(*scrape) []sample {
	return func(s *scrape) []sample {
		samples := make([]sample, 0, len(s.apps()))
		for _, app := range s.apps() {
			samples = append(samples, value(figure(app), string(app.App)))
		}
		return samples
	}
}

func ofEachCluster(figure func(deploy.Sight) float64) func(*scrape) []sample {
	return func(s *scrape) (samples []sample) {
		for _, cluster := range s.clusters() {
			samples = append(samples, value(figure(cluster), cluster.Name))
		}
		return samples
	}
}
