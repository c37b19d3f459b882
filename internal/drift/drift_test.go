package drift

import (
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// fakeEngine notes a Keeper's calls. Each call fails the test if the Keeper holds its lock
// during the call.
type fakeEngine struct {
	t       *testing.T
	keeper  *Keeper
	began   time.Time
	suspect func(app name.App, id manifest.ID)

	mu        sync.Mutex
	looks     []time.Duration // the times of looks, since the beginning
	looked    []deploy.Fight
	postponed []deploy.Fight
}

func (e *fakeEngine) OnSuspect(f func(app name.App, id manifest.ID)) { e.suspect = f }

func (e *fakeEngine) Look(_ name.App, _ manifest.ID, fight deploy.Fight) {
	e.unlocked()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looks = append(e.looks, time.Since(e.began))
	e.looked = append(e.looked, fight)
}

func (e *fakeEngine) Postpone(_ name.App, _ manifest.ID, fight deploy.Fight) {
	e.unlocked()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.postponed = append(e.postponed, fight)
}

// unlocked fails the test if the Keeper's lock stays held: another goroutine may hold it
// for a moment, but a caller that holds it does not release it before the call returns.
func (e *fakeEngine) unlocked() {
	for range 10_000 {
		if e.keeper.mu.TryLock() {
			e.keeper.mu.Unlock()
			return
		}
		runtime.Gosched()
	}
	e.t.Error("the keeper calls the engine under its lock")
}

// inBubble runs a test with a Keeper and its engine, on a clock of its own.
func inBubble(t *testing.T, test func(t *testing.T, e *fakeEngine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := logrus.New()
		log.SetOutput(io.Discard)
		e := &fakeEngine{t: t, began: time.Now()}
		e.keeper = New(e, logrus.NewEntry(log))
		test(t, e)
		e.keeper.Stop()
	})
}

// drift reports an object as changed, and waits until the look at it is over or due.
func (e *fakeEngine) drift(name string) {
	e.suspect("shop", manifest.ID{Kind: "ConfigMap", Name: name})
	synctest.Wait()
}

func seconds(all ...int) []time.Duration {
	list := make([]time.Duration, len(all))
	for i, n := range all {
		list[i] = time.Duration(n) * time.Second
	}
	return list
}

// TestPatience: objects drift at given seconds, and the looks at them must have the given
// times.
func TestPatience(t *testing.T) {
	type drift struct {
		name string
		at   int // seconds
	}
	for name, test := range map[string]struct {
		drifts []drift
		looks  []time.Duration
		next   []time.Duration // of each delay that the engine gets
	}{
		"once":                          {[]drift{{"a", 0}}, seconds(0), nil},
		"as often as there is patience": {[]drift{{"a", 0}, {"a", 1}, {"a", 2}}, seconds(0, 1, 2), nil},
		"once more":                     {[]drift{{"a", 0}, {"a", 0}, {"a", 0}, {"a", 0}}, seconds(0, 0, 0, 2), seconds(2)},
		"while a look is due":           {[]drift{{"a", 0}, {"a", 0}, {"a", 0}, {"a", 0}, {"a", 1}}, seconds(0, 0, 0, 2), seconds(2)},
		"after a delayed look":          {[]drift{{"a", 0}, {"a", 0}, {"a", 0}, {"a", 0}, {"a", 3}}, seconds(0, 0, 0, 2, 9), seconds(2, 6)},
		"objects each by themselves":    {[]drift{{"a", 0}, {"a", 0}, {"a", 0}, {"b", 0}, {"a", 0}}, seconds(0, 0, 0, 0, 2), seconds(2)},
		"after a minute of calm":        {[]drift{{"a", 0}, {"a", 0}, {"a", 0}, {"a", 61}}, seconds(0, 0, 0, 61), nil},
		"within the minute":             {[]drift{{"a", 0}, {"a", 0}, {"a", 0}, {"a", 59}}, seconds(0, 0, 0, 61), seconds(2)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *fakeEngine) {
				for _, d := range test.drifts {
					<-time.After(time.Until(e.began.Add(time.Duration(d.at) * time.Second)))
					e.drift(d.name)
				}
				<-time.After(time.Hour)
				synctest.Wait()
				var next []time.Duration
				for _, fight := range e.postponed {
					next = append(next, fight.Next)
				}
				if !slices.Equal(e.looks, test.looks) || !slices.Equal(next, test.next) {
					t.Errorf("looks at %v, delays %v", e.looks, next)
				}
			})
		})
	}
}

// TestDelaysGrow: an object drifts again each time after it was looked at.
func TestDelaysGrow(t *testing.T) {
	inBubble(t, func(t *testing.T, e *fakeEngine) {
		for range patience + 7 {
			e.drift("a")
			if n := len(e.postponed); n > 0 {
				<-time.After(e.postponed[n-1].Next)
				synctest.Wait() // lets the look of the same moment end
			}
		}
		want := seconds(2, 6, 18, 54, 162, 300, 300)
		for i, fight := range e.postponed {
			if fight.Next != want[i] || fight.Times != patience+1+i {
				t.Errorf("delay %d: %+v, not %s", i, fight, want[i])
			}
		}
		if len(e.postponed) != len(want) || len(e.looks) != patience+len(want) {
			t.Errorf("%d delays, %d looks", len(e.postponed), len(e.looks))
		}
	})
}

// TestFightIsKnown checks the data about a fight that the engine gets.
func TestFightIsKnown(t *testing.T) {
	inBubble(t, func(t *testing.T, e *fakeEngine) {
		for range patience + 1 {
			e.drift("a")
		}
		<-time.After(firstDelay)
		synctest.Wait()
		at := e.began.Add(firstDelay)
		want := []deploy.Fight{{Times: 1}, {Times: 2}, {Times: 3}, {Times: 4, Next: growth * firstDelay, Calm: at.Add(calm)}}
		if !slices.EqualFunc(e.looked, want, sameFight) {
			t.Errorf("got %+v", e.looked)
		}
	})
}

func sameFight(x, y deploy.Fight) bool {
	return x.Times == y.Times && x.Next == y.Next && x.Calm.Equal(y.Calm)
}

// TestStop stops a Keeper while a look is due. After that, another object drifts.
func TestStop(t *testing.T) {
	inBubble(t, func(t *testing.T, e *fakeEngine) {
		for range patience + 1 {
			e.drift("a")
		}
		e.keeper.Stop()
		e.drift("b")
		<-time.After(time.Hour)
		synctest.Wait()
		if len(e.looks) != patience {
			t.Errorf("%d looks, some of them after the stop", len(e.looks))
		}
	})
}
