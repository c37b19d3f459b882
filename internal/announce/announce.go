// Package announce tells clusters what happens to their apps, as Events of Kubernetes, so
// that kubectl describe and kubectl get events show it. It hears of everything from the bus,
// after it has happened, and delays nobody: what a slow cluster cannot take in is left out.
//
// The broadcaster of client-go is not used: it tries each Event twelve times, ten seconds
// apart, in a goroutine each, also while the cluster is away.
package announce

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
)

// Level says of what clusters are told.
type Level string

// The levels.
const (
	None     Level = "none"
	Problems Level = "problems" // drift, failures, and their end
	All      Level = "all"      // deploys, too
)

// Cluster takes Events. A kube.Cluster is one.
type Cluster interface {
	Name() string
	Announce(ctx context.Context, n kube.Notice, reporter string) (name string, err error)
	AnnounceAgain(ctx context.Context, n kube.Notice, name string, times int) error
}

// Config has what an Announcer needs. Every field is required.
type Config struct {
	Level Level
	Bus   *event.Bus
	// Regarding returns the cluster of an app, and a notice for each of the objects that keys
	// name; without keys, for the namespace of the app. The cluster is nil if there is nobody
	// to tell.
	Regarding func(app name.App, keys []string) (Cluster, []kube.Notice)
	Reporter  string // who this server is
	Log       *logrus.Entry
}

// Announcer tells clusters. Use New.
type Announcer struct {
	Config
	limit *rate.Limiter
	told  *memory
	rests *rests
	now   func() time.Time

	sent, failed, skipped atomic.Int64
}

// Limits on the requests of this package.
const (
	perSecond      = 5 // of all clusters together, in the long run
	burst          = 25
	requestTimeout = 5 * time.Second
)

// New makes an Announcer, which says nothing before Run.
func New(config Config) *Announcer {
	return &Announcer{
		Config: config, limit: rate.NewLimiter(perSecond, burst), told: &memory{by: map[subject]*series{}},
		rests: &rests{until: map[place]time.Time{}}, now: time.Now,
	}
}

// Counts tells how many Events were sent, how many a cluster did not take, and how many
// were left out: there were too many, or the cluster was away or had just refused one.
func (a *Announcer) Counts() (sent, failed, skipped int64) {
	return a.sent.Load(), a.failed.Load(), a.skipped.Load()
}

// Run tells of what happens until ctx ends.
func (a *Announcer) Run(ctx context.Context) {
	if a.Level == None {
		return
	}
	var last uint64
	_ = a.Bus.Follow(ctx, 0, func(e event.Event) error { // it ends with ctx
		a.skipped.Add(int64(e.Ordinal - last - 1)) // the bus has forgotten them
		last = e.Ordinal
		a.hear(ctx, e)
		return ctx.Err()
	})
}

// hear tells of one thing that has happened.
func (a *Announcer) hear(ctx context.Context, e event.Event) {
	words, worth := wordsFor(e, a.Level)
	if !worth {
		return
	}
	cluster, about := a.Regarding(e.App, e.Keys)
	if cluster == nil {
		a.skipped.Add(1)
		return
	}
	for _, n := range about {
		n.Warning, n.Reason, n.Action, n.Note, n.Time = !e.Good, words.reason, words.action, string(e.App)+": "+e.Text, e.Time
		switch at := (place{cluster.Name(), n.At()}); {
		case a.rests.has(at, a.now()):
			a.skipped.Add(1)
		default:
			a.count(ctx, at, a.tell(ctx, cluster, n))
		}
	}
}

// tell makes an Event, or counts one more in the Event that says the same.
func (a *Announcer) tell(ctx context.Context, cluster Cluster, n kube.Notice) error {
	if err := a.limit.Wait(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	of := subject{cluster: cluster.Name(), kind: n.Kind, namespace: n.Namespace, name: n.Name, reason: n.Reason, note: n.Note}
	if former := a.told.again(of, a.now()); former != nil {
		if err := cluster.AnnounceAgain(ctx, n, former.name, former.times); !kube.IsNotFound(err) {
			return err
		}
	}
	made, err := cluster.Announce(ctx, n, a.Reporter)
	if err == nil {
		a.told.note(of, made, a.now())
	}
	return err
}

// count counts the outcome of an Event. A place that refused one, and a cluster that does
// not answer, are left alone for a while.
func (a *Announcer) count(ctx context.Context, at place, err error) {
	switch {
	case err == nil:
		a.sent.Add(1)
		return
	case ctx.Err() != nil:
		return
	}
	a.failed.Add(1)
	log := a.Log.WithField("cluster", at.cluster)
	if kube.IsUnreachable(err) || errors.Is(err, context.DeadlineExceeded) {
		a.rests.begin(place{cluster: at.cluster}, a.now())
		log.Debugf("events: %v", err) // the engine tells of the outage
		return
	}
	a.rests.begin(at, a.now())
	if kube.IsNotFound(err) { // the namespace is not there yet, or not any more
		log.Debugf("events: %v", err)
		return
	}
	hint := ""
	if apierrors.IsForbidden(err) {
		hint = ": allow the server to create and patch events there, or set events.kubernetes: none"
	}
	log.Warnf("events: %v; namespace %s is told nothing for %s%s", err, at.namespace, restFor, hint)
}

// words are those of an Event.
type words struct{ reason, action string }

// wordsFor decides whether clusters are told of something, and how.
func wordsFor(e event.Event, level Level) (w words, worth bool) {
	problems := level == Problems || level == All
	switch e.Kind {
	case event.Deploy:
		if e.Good {
			return words{"Deployed", "Deploy"}, level == All
		}
		return words{"DeployFailed", "Deploy"}, problems
	case event.Drift:
		if e.Good {
			return words{"DriftCorrected", "Correct"}, problems
		}
		return words{"Drifted", "Compare"}, problems
	case event.Health:
		if e.Good {
			return words{"Recovered", "Watch"}, problems
		}
		return words{"Unhealthy", "Watch"}, problems
	case event.Suspend:
		return words{"Held", "Deploy"}, level == All
	}
	return words{}, false // of clusters as a whole: one that is away cannot be told
}
