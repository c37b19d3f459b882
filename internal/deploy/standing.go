package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// standing holds all facts that decide whether an app's cluster matches its branch.
type standing struct {
	running    bool          // a deploy goes on
	skipped    bool          // the newest revision was pushed with -o skip
	unread     bool          // the branch cannot be rendered
	unselected bool          // the branch no longer selects its cluster
	wanted     bool          // there is a revision to deploy
	last       record.Result // that stands, of the newest deploy; "" if there is none
	settled    bool          // the revision was the last to be applied completely
	suspended  bool          // by an operator
	waits      bool          // for a window
	forbidden  string        // why the repository's grant does not give all of it; "" if it does
	differing  []Difference  // objects that are known to differ from the revision
	trouble    string        // why the last check could not be done
}

// sync is the verdict: in sync only if nothing is known to speak against it.
func (s standing) sync() Sync {
	switch {
	case s.running:
		return Deploying
	case s.skipped, s.unselected, s.forbidden != "":
		return Held
	case s.waits:
		return Waits
	case s.last == record.Removed:
		return Gone
	case s.unread:
		return NotSynced
	case !s.wanted || s.last == "":
		return Pending
	case s.last == record.Failed || !s.settled && !s.suspended:
		return NotSynced
	case !s.settled:
		return Held
	case len(s.differing) > 0:
		return Drifted
	case s.trouble != "":
		return Unsure
	}
	return InSync
}

// reasons returns the known reasons why the app is not in sync, a line each.
func (s standing) reasons() []string {
	var lines []string
	if s.forbidden != "" {
		lines = append(lines, s.forbidden)
	}
	for _, found := range s.differing {
		lines = append(lines, found.Object+" "+found.What)
	}
	if s.trouble != "" {
		lines = append(lines, "the last check could not be done: "+s.trouble)
	}
	return lines
}

// sight is the observed state of one object that the app has applied, or that is its
// member.
type sight struct {
	noted  record.Noted
	known  bool // there is a note of it
	entry  live.Entry
	there  bool // the index has it
	lacked bool // the index knows that it is not there
	left   bool // left alone, as its annotations ask
	fight  Fight
}

// differs says how the object differs from how it was left; "" if it does not, or if
// that is not known. set is the app's ApplySet.
func (s sight) differs(set string) string {
	switch {
	case s.there && s.entry.Terminating:
		return plan.Deletion(s.entry)
	case !s.known || s.left:
		return ""
	case s.lacked && s.noted.Ended != "":
		return ""
	case s.lacked:
		return "was deleted" + s.next()
	case s.there && s.entry.PartOf != set:
		return "has lost the app's label" + s.next()
	case s.there && s.entry.Fingerprint != s.noted.Fingerprint:
		return "was changed" + s.next()
	}
	return ""
}

// next says when a difference is taken back that somebody makes again and again.
func (s sight) next() string {
	if s.fight.Next == 0 {
		return ""
	}
	text := fmt.Sprintf(", %d times", s.fight.Times)
	if s.fight.with != "" {
		text = " again by " + s.fight.with + text
	}
	return text + "; it waits up to " + s.fight.Next.String() + " for its correction"
}

// fill enters the index's data about an object of an ApplySet.
func (s *sight) fill(index *live.Index, id manifest.ID, set string) {
	if s.entry, s.there = index.Get(id); !s.there {
		s.lacked = index.Lacks(id)
	}
	if s.there && s.entry.PartOf == set && s.entry.Hook == nil {
		s.left = s.left || s.entry.Policies.Has(manifest.Frozen)
	}
}

// differences are the objects of the app that are known to differ from its revision:
// those that were found and are left alone, and those that are seen to differ now.
func (a *app) differences(t *target) []Difference {
	found, told := []Difference{}, map[manifest.ID]bool{}
	for id, step := range a.drifts.all() {
		found, told[id] = append(found, differenceOf(step)), true
	}
	found = append(found, a.seen(t, told)...)
	for _, entry := range a.dying(t) {
		if !a.ledger.Has(entry.ID) && !told[entry.ID] {
			found = append(found, Difference{id: entry.ID, Object: entry.ID.String(), What: plan.Deletion(entry), pending: true, dying: true})
		}
	}
	slices.SortFunc(found, func(x, y Difference) int { return strings.Compare(x.Object, y.Object) })
	return found
}

// seen are the objects that are seen to differ from how they were left, but for those that
// are told of.
func (a *app) seen(t *target, told map[manifest.ID]bool) []Difference {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return nil // nothing is seen
	}
	unsettled := slices.DeleteFunc(a.ledger.Unsettled(cluster.Index, a.set), func(id manifest.ID) bool { return told[id] })
	if len(unsettled) == 0 {
		return nil
	}
	fights, left := a.fights.all(), t.leftAlone()
	var found []Difference
	for _, id := range unsettled {
		n, noted := a.ledger.Of(id)
		if !noted {
			continue
		}
		s := sight{noted: n, known: true, left: left[id], fight: fights[id]}
		s.fill(cluster.Index, id, a.set)
		if s.entry.ID = id; a.retakes.explain(s.entry, s.there) {
			continue
		}
		if what := s.differs(a.set); what != "" {
			found = append(found, Difference{id: id, Object: id.String(), What: what, pending: true, dying: s.there && s.entry.Terminating})
		}
	}
	return found
}

// leftAlone are the objects that the revision says are to be left as they are, with the
// namespace that is written and with that of the app.
func (t *target) leftAlone() map[manifest.ID]bool {
	left := map[manifest.ID]bool{}
	for _, o := range t.SpecialOnes() {
		if policy := t.PolicyOf(o); policy.Has(manifest.Frozen) || policy.Has(manifest.IfNotPresent) {
			id := o.ID()
			left[id] = true
			id.Namespace = t.Spec.Namespace
			left[id] = true
		}
	}
	return left
}
