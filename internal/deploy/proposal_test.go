package deploy

import (
	"errors"
	"testing"
)

// TestProposalIsAcceptedOnce tries every order of what may be done with a proposal.
func TestProposalIsAcceptedOnce(t *testing.T) {
	type step struct {
		name string
		do   func(*Proposal) error
		want error
	}
	accept := func(want error) step {
		return step{"accept", func(p *Proposal) error { _, err := p.Accept(); return err }, want}
	}
	closing := step{"close", func(p *Proposal) error { p.Close(); return nil }, nil}
	for name, test := range map[string]struct {
		options Options
		steps   []step
	}{
		"accepted":              {Options{}, []step{accept(nil), closing}},
		"accepted twice":        {Options{}, []step{accept(nil), accept(ErrAccepted), closing, accept(ErrClosed)}},
		"given up":              {Options{}, []step{closing, accept(ErrClosed)}},
		"closed twice":          {Options{}, []step{closing, closing}},
		"only planned":          {Options{Plan: true}, []step{accept(ErrRefused), closing}},
		"only planned, closed":  {Options{Plan: true}, []step{closing, accept(ErrRefused)}},
		"skipped, and accepted": {Options{Skip: true}, []step{accept(nil), closing}},
	} {
		e := New(Config{})
		p := &Proposal{Change: Change{Repo: "shop", Branch: "main", Revision: "0123456789", Options: test.options}, engine: e, claims: e.claims.Overlay()}
		if problems := e.reservations.take(p); len(problems) > 0 {
			t.Fatal(problems)
		}
		for i, step := range test.steps {
			if err := step.do(p); !errors.Is(err, step.want) {
				t.Errorf("%s: step %d, %s: %v, want %v", name, i+1, step.name, err, step.want)
			}
		}
		if e.reservations.expect("shop", "main") {
			t.Errorf("%s: a closed proposal keeps its branch", name)
		}
	}
}
