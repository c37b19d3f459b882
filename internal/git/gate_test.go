package git

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestGate: the first call decides about a gate, for good.
func TestGate(t *testing.T) {
	begin := func(g *Gate) bool { return g.Begin() }
	stop := func(cause Cause) func(*Gate) bool { return func(g *Gate) bool { return g.stop(cause) } }
	for name, test := range map[string]struct {
		steps []func(*Gate) bool
		want  []bool
		cause Cause
		lifts int
	}{
		"received":       {},
		"begun":          {steps: []func(*Gate) bool{begin}, want: []bool{true}, lifts: 1},
		"begun again":    {steps: []func(*Gate) bool{begin, begin}, want: []bool{true, true}, lifts: 1},
		"gone too late":  {steps: []func(*Gate) bool{begin, stop(ClientGone)}, want: []bool{true, false}, lifts: 1},
		"gone before":    {steps: []func(*Gate) bool{stop(ClientGone), begin}, want: []bool{true, false}, cause: ClientGone},
		"stopped twice":  {steps: []func(*Gate) bool{stop(OverCPU), stop(OverTime)}, want: []bool{true, false}, cause: OverCPU},
		"still refused":  {steps: []func(*Gate) bool{stop(OverTime), begin, begin}, want: []bool{true, false, false}, cause: OverTime},
		"late and again": {steps: []func(*Gate) bool{begin, stop(OverCPU), begin}, want: []bool{true, false, true}, lifts: 1},
	} {
		gate, lifts := NewGate(), 0
		gate.bind(func() {
			if gate.Stopped() == "" { // this call is safe, since lift is called under no lock
				lifts++
			}
		})
		for i, step := range test.steps {
			if got := step(gate); got != test.want[i] {
				t.Errorf("%s: step %d is %v", name, i+1, got)
			}
		}
		if gate.Stopped() != test.cause || lifts != test.lifts {
			t.Errorf("%s: stopped for %q, limits lifted %d times", name, gate.Stopped(), lifts)
		}
	}
}

// TestGateIsOneOrTheOther: if a gate begins while its client disconnects, exactly one of
// the two wins.
func TestGateIsOneOrTheOther(t *testing.T) {
	for range 1000 {
		gate := NewGate()
		var judged, ended bool
		var both sync.WaitGroup
		both.Go(func() { judged = gate.Begin() })
		both.Go(func() { ended = gate.stop(ClientGone) })
		both.Wait()
		if judged == ended {
			t.Fatalf("judged %v, ended %v", judged, ended)
		}
	}
}

func TestWatcher(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	for name, test := range map[string]struct {
		gone, begun, exited bool
		limit               time.Duration
		want                Cause
	}{
		"client gone":        {gone: true, limit: time.Hour, want: ClientGone},
		"out of patience":    {limit: 1, want: OverTime},
		"judged":             {begun: true, limit: time.Hour},
		"gone after judging": {begun: true, gone: true, limit: time.Hour},
		"exited":             {exited: true, limit: time.Hour},
	} {
		ctx, exit := context.WithCancel(t.Context())
		w := &watcher{gate: NewGate(), patience: newPatience(test.limit, test.limit)}
		stopped := false
		w.stop = func() { stopped = true }
		w.patience.heard(0)
		if test.gone {
			w.gone = closed
		}
		if test.begun {
			w.gate.Begin()
		}
		if test.exited {
			exit()
		}
		w.run(ctx)
		exit()
		if w.gate.Stopped() != test.want || stopped != (test.want != "") {
			t.Errorf("%s: stopped %v, for %q", name, stopped, w.gate.Stopped())
		}
	}
}

// TestPatience: each byte adds time, but never beyond the limit.
func TestPatience(t *testing.T) {
	now := time.Unix(1000, 0)
	const limit = time.Minute
	at := func(s float64) time.Time { return now.Add(time.Duration(s * float64(time.Second))) }
	for name, test := range map[string]struct {
		until time.Time
		n     int
		want  time.Time
	}{
		"the first byte":    {n: 1, want: at(60)},
		"the end, at first": {n: 0, want: at(60)},
		"many bytes":        {until: at(20), n: 1 << 20, want: at(60)},
		"a byte":            {until: at(20), n: 1, want: at(20.001)},
		"a kilobyte":        {until: at(20), n: 1000, want: at(21)},
		"the end":           {until: at(20), n: 0, want: at(20)},
	} {
		if got := extend(test.until, now, test.n, limit); !got.Equal(test.want) {
			t.Errorf("%s: %v, want %v", name, got.Sub(now), test.want.Sub(now))
		}
	}
}

// TestPatienceGrows: Git may work for minutes on a small pack, and up to the limit on a
// large one.
func TestPatienceGrows(t *testing.T) {
	for total, want := range map[int]time.Duration{
		0: time.Minute, 4000: time.Minute + 14*time.Millisecond, 100_000_000: time.Minute + 350*time.Second,
		512 << 20: 30 * time.Minute, math.MaxInt: 30 * time.Minute,
	} {
		if got := grown(time.Minute, 30*time.Minute, total); got != want {
			t.Errorf("%d bytes: %v, want %v", total, got, want)
		}
	}
	if got := grown(time.Hour, time.Hour, 1<<20); got != time.Hour {
		t.Errorf("of a clone: %v", got)
	}
}

// TestUnderway: while pushes run, files that may belong to them stay. The quarantine of a
// stopped push is swept away as soon as no running push can own it.
func TestUnderway(t *testing.T) {
	var u underway
	one, two, other := &serving{}, &serving{}, &serving{}
	u.begin("shop", one)
	u.begin("shop", two)
	u.begin("blog", other)
	var swept []time.Time
	note := func(before time.Time) { swept = append(swept, before) }
	first := u.repos["shop"].begun[one]
	u.end("blog", other, false, note)
	if len(swept) != 0 {
		t.Fatal("there was a sweep after a push that ended well")
	}
	u.end("shop", two, true, note)
	if len(swept) != 1 || !swept[0].Before(first) {
		t.Fatalf("swept before %v, while a push of %v goes on", swept, first)
	}
	u.end("shop", one, false, note)
	if len(swept) != 2 || !swept[1].After(time.Now()) {
		t.Errorf("not swept when the last push has ended: %v", swept)
	}
	if len(u.repos) != 0 {
		t.Errorf("%d repositories are kept", len(u.repos))
	}
}

// TestUnderwaySweepsUnderNoLock: no lock is held during a sweep. Pushes to other
// repositories go on meanwhile, and pushes to the same repository wait for its end.
func TestUnderwaySweepsUnderNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u underway
		one, two, next, other := &serving{}, &serving{}, &serving{}, &serving{}
		u.begin("shop", one)
		u.begin("shop", two)
		var steps []string
		done := make(chan struct{}, 2)
		u.end("shop", one, true, func(time.Time) {
			u.begin("blog", other)
			u.end("blog", other, false, nil)
			go func() {
				u.begin("shop", next)
				steps = append(steps, "begun")
				done <- struct{}{}
			}()
			synctest.Wait()
			steps = append(steps, "swept")
		})
		<-done
		if want := []string{"swept", "begun"}; !slices.Equal(steps, want) {
			t.Errorf("%v, want %v", steps, want)
		}
		u.end("shop", next, true, func(time.Time) {
			go func() {
				u.end("shop", two, false, func(time.Time) { steps = append(steps, "swept again") })
				done <- struct{}{}
			}()
			synctest.Wait()
			steps = append(steps, "swept")
		})
		<-done
		if want := []string{"swept", "begun", "swept", "swept again"}; !slices.Equal(steps, want) || len(u.repos) != 0 {
			t.Errorf("%v, want %v; %d repositories are kept", steps, want, len(u.repos))
		}
	})
}

// TestDeaths: only Git's messages about processes that died at a limit are kept from the
// client.
func TestDeaths(t *testing.T) {
	for said, want := range map[string]struct {
		cause  Cause
		passed string
	}{
		"error: index-pack died of signal 24\n":                             {OverCPU, ""},
		"error: index-pack died of signal 25\n":                             {OverFile, ""},
		"error: git rev-list died of signal 24\nfatal: no\n":                {OverCPU, "fatal: no\n"},
		"hi\nerror: pack-objects died of signal 24\n":                       {OverCPU, "hi\n"},
		"error: index-pack died of signal 9\n":                              {"", "error: index-pack died of signal 9\n"},
		"error: index-pack died of signal 99999999999999999999\n":           {"", "error: index-pack died of signal 99999999999999999999\n"},
		"remote: error: index-pack died of signal 24\n":                     {"", "remote: error: index-pack died of signal 24\n"},
		"error: index-pack died of signal 24":                               {"", "error: index-pack died of signal 24"},
		"error: index-pack died of signal 25\nerror: x died of signal 24\n": {OverFile, "error: x died of signal 24\n"},
	} {
		var passed bytes.Buffer
		d := &deaths{to: &passed}
		if n, err := io.WriteString(d, said); n != len(said) || err != nil {
			t.Errorf("%q: %d, %v", said, n, err)
		}
		if d.cause != want.cause || passed.String() != want.passed {
			t.Errorf("%q: %q, passed on %q", said, d.cause, passed.String())
		}
	}
	d := &deaths{to: brokenPipe{}}
	if _, err := io.Copy(d, strings.NewReader("x")); err == nil {
		t.Error("the channel does not report that the client has gone")
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
