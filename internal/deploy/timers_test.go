package deploy

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

func TestTimers(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(ts *timers, note func(string) func())
		want []string // the functions that ran within an hour, in order
	}{
		"one after the other": {func(ts *timers, note func(string) func()) {
			ts.after(2*time.Minute, note("b"))
			ts.after(time.Minute, note("a"))
		}, []string{"a", "b"}},
		"at once": {func(ts *timers, note func(string) func()) { ts.after(0, note("a")) }, []string{"a"}},
		"cancelled": {func(ts *timers, note func(string) func()) {
			cancel := ts.after(time.Minute, note("a"))
			ts.after(time.Minute, note("b"))
			cancel()
			cancel()
		}, []string{"b"}},
		"cancelled too late": {func(ts *timers, note func(string) func()) {
			cancel := ts.after(time.Minute, note("a"))
			ts.after(2*time.Minute, cancel)
		}, []string{"a"}},
		"stopped": {func(ts *timers, note func(string) func()) {
			ts.after(time.Minute, note("a"))
			ts.after(3*time.Minute, note("b"))
			<-time.After(2 * time.Minute)
			ts.stop()
		}, []string{"a"}},
		"begun after the stop": {func(ts *timers, note func(string) func()) {
			ts.stop()
			ts.after(time.Minute, note("a"))()
			ts.stop()
		}, nil},
		"one that begins another": {func(ts *timers, note func(string) func()) {
			ts.after(time.Minute, func() { ts.after(time.Minute, note("a")) })
		}, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ts timers
				var mu sync.Mutex
				var done []string
				test.do(&ts, func(what string) func() {
					return func() {
						mu.Lock()
						defer mu.Unlock()
						done = append(done, what)
					}
				})
				<-time.After(time.Hour)
				synctest.Wait()
				if !slices.Equal(done, test.want) {
					t.Errorf("the functions that ran are %q, want %q", done, test.want)
				}
				ts.stop()
			})
		})
	}
}

// TestStopWaitsForWhatHasBegun: stop returns only after a function that runs has ended.
func TestStopWaitsForWhatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ts timers
		ended := false
		ts.after(time.Minute, func() {
			<-time.After(time.Minute)
			ended = true
		})
		<-time.After(90 * time.Second)
		ts.stop()
		if !ended {
			t.Error("stopped while a function went on")
		}
	})
}

// TestNothingIsToldAfterTheStop: an object falls ill and another one hangs in its deletion.
// The engine stops before either is to be reported.
func TestNothingIsToldAfterTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		id := manifesttest.ConfigMap("a")
		ailing := live.Entry{ID: id, Health: health.Health{Status: health.Progressing}}
		o.noticeHealth(a, ailing, false)
		a.noticeDeletion(live.Event{Entry: live.Entry{ID: manifest.ID{Kind: "Secret", Name: "b"}, Terminating: true}})
		if n := len(o.timers.waiting); n != 2 {
			t.Fatalf("%d timers wait, want 2", n)
		}
		o.Stop(t.Context())
		if n := len(o.timers.waiting); n != 0 {
			t.Errorf("%d timers wait after the stop", n)
		}
		o.noticeHealth(o.deployed(wanted("api")), ailing, false)
		<-time.After(2 * illAfter)
		synctest.Wait()
		if told := o.told(); len(told) != 0 {
			t.Errorf("reported %q", told)
		}
	})
}
