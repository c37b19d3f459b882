package announce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
)

// board is a cluster that keeps what it is told.
type board struct {
	told []string
	err  error // of the next requests
	gone bool  // Events that were made do not exist any more
}

func (b *board) Name() string { return "blue" }

func (b *board) Announce(_ context.Context, n kube.Notice, reporter string) (string, error) {
	if b.err != nil {
		return "", b.err
	}
	b.told = append(b.told, fmt.Sprintf("%s %v %s %s/%s %s: %s", reporter, n.Warning, n.Reason, n.Kind, n.Name, n.Action, n.Note))
	return fmt.Sprintf("event-%d", len(b.told)), nil
}

func (b *board) AnnounceAgain(_ context.Context, _ kube.Notice, name string, times int) error {
	if b.gone {
		return notFound
	}
	b.told = append(b.told, fmt.Sprintf("%s x%d", name, times))
	return b.err
}

var (
	notFound = apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop")
	refused  = apierrors.NewForbidden(schema.GroupResource{Resource: "events"}, "", errors.New("no right"))
)

// stage is an announcer to one cluster, at a time that the test sets.
type stage struct {
	*Announcer
	board *board
	at    time.Time
	away  bool
}

func newStage(level Level) *stage {
	log := logrus.New()
	log.SetOutput(io.Discard)
	s := &stage{board: &board{}, at: time.Unix(1000, 0)}
	s.Announcer = New(Config{Level: level, Bus: event.New(10), Reporter: "me", Log: logrus.NewEntry(log), Regarding: s.regarding})
	s.now = func() time.Time { return s.at }
	return s
}

func (s *stage) regarding(app name.App, keys []string) (Cluster, []kube.Notice) {
	if s.away {
		return nil, nil
	}
	if len(keys) == 0 {
		return s.board, []kube.Notice{{APIVersion: "v1", Kind: "Namespace", Name: string(app)}}
	}
	var about []kube.Notice
	for _, key := range keys {
		about = append(about, kube.Notice{APIVersion: "v1", Kind: "ConfigMap", Namespace: string(app), Name: key})
	}
	return s.board, about
}

// counts checks what Counts tells.
func (s *stage) counts(t *testing.T, sent, failed, skipped int64) {
	t.Helper()
	if a, b, c := s.Counts(); a != sent || b != failed || c != skipped {
		t.Errorf("sent, failed, skipped: %d, %d, %d, want %d, %d, %d", a, b, c, sent, failed, skipped)
	}
}

var sick = event.Event{Kind: event.Health, App: "shop", Keys: []string{"web"}, Text: "is sick"}

func TestEachKindHasItsWords(t *testing.T) {
	for _, c := range []struct {
		kind     event.Kind
		good     bool
		problems string // reason at this level; "": not told
		all      string
	}{
		{event.Deploy, true, "", "Deployed"},
		{event.Deploy, false, "DeployFailed", "DeployFailed"},
		{event.Drift, true, "DriftCorrected", "DriftCorrected"},
		{event.Drift, false, "Drifted", "Drifted"},
		{event.Health, true, "Recovered", "Recovered"},
		{event.Health, false, "Unhealthy", "Unhealthy"},
		{event.Suspend, true, "", "Held"},
		{event.Cluster, false, "", ""},
	} {
		for level, want := range map[Level]string{Problems: c.problems, All: c.all} {
			w, worth := wordsFor(event.Event{Kind: c.kind, Good: c.good}, level)
			if worth != (want != "") || worth && w.reason != want {
				t.Errorf("%s, good: %v, at level %s: %+v %v, want %q", c.kind, c.good, level, w, worth, want)
			}
		}
	}
}

func TestObjectsAreTold(t *testing.T) {
	s := newStage(Problems)
	both := sick
	both.Keys = []string{"web", "db"}
	s.hear(t.Context(), both)
	s.hear(t.Context(), event.Event{Kind: event.Deploy, App: "shop", Text: "failed"})
	s.hear(t.Context(), event.Event{Kind: event.Deploy, App: "shop", Good: true, Text: "deployed"})
	want := []string{
		"me true Unhealthy ConfigMap/web Watch: shop: is sick", "me true Unhealthy ConfigMap/db Watch: shop: is sick",
		"me true DeployFailed Namespace/shop Deploy: shop: failed",
	}
	if !slices.Equal(s.board.told, want) {
		t.Errorf("told: %q, want %q", s.board.told, want)
	}
	s.counts(t, 3, 0, 0)
}

func TestTheSameIsCounted(t *testing.T) {
	s := newStage(Problems)
	for range 3 {
		s.hear(t.Context(), sick)
	}
	s.board.gone = true
	s.hear(t.Context(), sick) // somebody has deleted the Event
	s.board.gone = false
	s.hear(t.Context(), sick)
	s.at = s.at.Add(seriesFor + time.Second)
	s.hear(t.Context(), sick)
	text := "me true Unhealthy ConfigMap/web Watch: shop: is sick"
	if want := []string{text, "event-1 x2", "event-1 x3", text, "event-4 x2", text}; !slices.Equal(s.board.told, want) {
		t.Errorf("told: %q, want %q", s.board.told, want)
	}
}

func TestWhatRefusesIsLeftAlone(t *testing.T) {
	other := sick
	other.App = "bank"
	for title, c := range map[string]struct {
		err       error
		elsewhere bool // whether other namespaces are told meanwhile
	}{
		"a right is missing":             {refused, true},
		"the namespace is not there":     {notFound, true},
		"the cluster does not answer":    {context.DeadlineExceeded, false},
		"the cluster cannot be reached":  {&kube.UnreachableError{Cluster: "blue", Err: errors.New("refused")}, false},
		"the cluster says something new": {errors.New("no"), true},
	} {
		t.Run(title, func(t *testing.T) {
			s := newStage(Problems)
			s.board.err = c.err
			s.hear(t.Context(), sick)
			s.counts(t, 0, 1, 0)
			s.board.err = nil
			s.hear(t.Context(), sick)
			s.counts(t, 0, 1, 1)
			s.hear(t.Context(), other)
			if (len(s.board.told) == 1) != c.elsewhere {
				t.Errorf("told meanwhile: %q", s.board.told)
			}
			s.board.told = nil
			s.at = s.at.Add(restFor)
			s.hear(t.Context(), sick)
			if len(s.board.told) != 1 {
				t.Errorf("told after a while: %q", s.board.told)
			}
		})
	}
}

func TestNobodyToTell(t *testing.T) {
	s := newStage(All)
	s.away = true
	s.hear(t.Context(), sick)
	s.counts(t, 0, 0, 1)
}

// TestRun follows the bus, which keeps ten events only, to its end.
func TestRun(t *testing.T) {
	s := newStage(Problems)
	for i := range 12 {
		s.Bus.Publish(event.Event{Kind: event.Health, App: "shop", Text: fmt.Sprint("sick ", i)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked, of := 0, s.Regarding
	s.Regarding = func(app name.App, keys []string) (Cluster, []kube.Notice) {
		if asked++; asked == 10 {
			defer cancel()
		}
		return of(app, keys)
	}
	s.Run(ctx)
	if asked != 10 || len(s.board.told) < 9 { // the last one may be cut off
		t.Errorf("asked %d times; told: %q", asked, s.board.told)
	}
	if _, _, skipped := s.Counts(); skipped != 2 {
		t.Errorf("%d were skipped, want the 2 that the bus has forgotten", skipped)
	}
	silent := newStage(None)
	silent.Bus.Publish(sick)
	silent.Run(t.Context()) // returns at once
	if len(silent.board.told) > 0 {
		t.Errorf("told with level none: %q", silent.board.told)
	}
}

func TestMemoriesAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	m, r := &memory{by: map[subject]*series{}}, &rests{until: map[place]time.Time{}}
	for i := range 3 * mostRests {
		m.note(subject{name: fmt.Sprint(i)}, "event", now)
		r.begin(place{"blue", fmt.Sprint(i)}, now)
	}
	if len(m.by) > mostSeries || len(r.until) > mostRests {
		t.Errorf("%d series and %d rests are remembered", len(m.by), len(r.until))
	}
	later := now.Add(time.Hour)
	m.by, r.until = map[subject]*series{}, map[place]time.Time{}
	for i := range mostSeries {
		m.note(subject{name: fmt.Sprint(i)}, "event", now)
	}
	for i := range mostRests {
		r.begin(place{"blue", fmt.Sprint(i)}, now)
	}
	m.note(subject{name: "new"}, "event", later)
	r.begin(place{"blue", "new"}, later)
	if len(m.by) != 1 || len(r.until) != 1 {
		t.Errorf("%d series and %d rests are left of those that are over, and one that is new", len(m.by), len(r.until))
	}
}
