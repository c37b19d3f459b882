package deploy

import (
	"slices"
	"testing"
)

// hurries reports whether an engine does something that a pusher waits for.
func hurries(e *Engine) bool { return e.Haste() != nil }

func TestHasteEndsWithTheLast(t *testing.T) {
	var e Engine
	first, second := e.haste.begin(), e.haste.begin()
	rest := e.Haste()
	first()
	first() // counts once
	if rest == nil || isClosed(rest) || !hurries(&e) {
		t.Error("it is at rest before the second has ended")
	}
	second()
	if !isClosed(rest) || hurries(&e) {
		t.Error("it is not at rest")
	}
	third := e.haste.begin()
	if again := e.Haste(); again == rest || isClosed(again) {
		t.Error("a third is none")
	}
	third()
}

// TestHasteOfAGate: from the proposal to its end, however that comes.
func TestHasteOfAGate(t *testing.T) {
	o := newOffice(t)
	draft := o.opened("main", oneApp("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"))
	if hurries(o.Engine) {
		t.Error("nothing is proposed yet")
	}
	p := draft.Propose(t.Context())
	if !hurries(o.Engine) {
		t.Error("a proposal is no haste")
	}
	p.Close()
	p.Close()
	if hurries(o.Engine) {
		t.Error("it does not end with the proposal")
	}
}

// TestHasteOfADeploy: its own work is haste, and its wait for health is none.
func TestHasteOfADeploy(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	var during []string
	seen := func(stage string) func() error {
		return func() error {
			if hurries(o.Engine) {
				during = append(during, stage)
			}
			return nil
		}
	}
	w := &fakeWork{ends: map[string]func() error{}}
	for _, stage := range []string{"apply", "prune", "await", "complete"} {
		w.ends[stage] = seen(stage)
	}
	o.carries(w)
	a.attempt(pushedOnto(a))
	if !slices.Equal(during, []string{"apply", "prune", "complete"}) {
		t.Errorf("haste is in %q", during)
	}
	if hurries(o.Engine) {
		t.Error("it does not end with the deploy")
	}
}

// TestNobodyWaitsForAnUnseenCheck: what nothing is said of is no haste.
func TestNobodyWaitsForAnUnseenCheck(t *testing.T) {
	run := &Run{}
	for _, test := range []struct {
		stage stage
		run   *Run
		is    bool
	}{
		{stageJudging, run, true},
		{stageApplying, run, true},
		{stageRecording, run, true},
		{stageQueued, run, false},
		{stageDepending, run, false},
		{stageGathering, run, false},
		{stageSettling, run, false},
		{stageComparing, nil, false},
		{stageJudging, nil, false},
	} {
		at := &attempt{progress: progress{stage: test.stage}, job: &job{run: test.run}}
		if at.hastens() != test.is {
			t.Errorf("%s is haste: %t, with something to say of: %t", test.stage, at.hastens(), test.run != nil)
		}
	}
}
