package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
)

func TestBellRingsOnceUntilSomebodyLooks(t *testing.T) {
	e := &Engine{}
	e.bell.ring() // nobody listens yet
	first, stop := e.Listen()
	second, _ := e.Listen()
	e.bell.ring()
	e.bell.ring()
	for name, listener := range map[string]<-chan struct{}{"first": first, "second": second} {
		if len(listener) != 1 {
			t.Errorf("the %s listener hears the bell %d times", name, len(listener))
		}
	}
	<-first
	stop()
	e.bell.ring()
	if len(first) != 0 {
		t.Error("a listener that has stopped still hears the bell")
	}
}

func TestMovesNameEachAppOnce(t *testing.T) {
	e := &Engine{}
	e.bell.ring("early") // nobody collects yet
	moves := e.Moves()
	other := e.Moves()
	e.bell.ring("shop", "")
	e.bell.ring("blog")
	e.bell.ring("shop")
	took, all := moves.Take()
	slices.Sort(took)
	if !slices.Equal(took, []name.App{"blog", "shop"}) || all {
		t.Errorf("there moved %q, all: %t", took, all)
	}
	e.bell.ringForAll()
	if again, all := moves.Take(); again != nil || !all {
		t.Errorf("then moved %q, all: %t", again, all)
	}
	if again, all := moves.Take(); again != nil || all {
		t.Errorf("at last moved %q, all: %t", again, all)
	}
	if took, all := other.Take(); len(took) != 2 || !all {
		t.Errorf("another one hears of %q, all: %t", took, all)
	}
	moves.End()
	e.bell.ring("shop")
	e.bell.ringForAll()
	if after, all := moves.Take(); after != nil || all {
		t.Errorf("after the end moved %q, all: %t", after, all)
	}
}

// TestWhatHappensToAnAppMovesIt: whatever changes an app's status by its own hand or by its
// worker names the app.
func TestWhatHappensToAnAppMovesIt(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	o.claims.Know("web")
	moves := o.Moves()
	for what, happen := range map[string]func(){
		"another target":       func() { a.setWant(wanted("web")) },
		"a revision skipped":   func() { a.setSkipped("3f2c1ab") },
		"a job":                func() { a.enqueue(pushed(a.queue)) },
		"a worker that begins": func() { a.take() },
		"a worker that ends":   func() { a.rest() },
		"a look":               func() { o.Look("web", claimID, Fight{}) },
		"an event":             func() { o.changed("default", live.Event{Entry: o.index.EntryOf(o.member(a, "data", pending))}) },
	} {
		moves.Take()
		happen()
		if moved, _ := moves.Take(); !slices.Equal(moved, []name.App{"web"}) {
			t.Errorf("%s: there moved %q", what, moved)
		}
	}
}
