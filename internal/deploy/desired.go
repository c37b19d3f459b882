package deploy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// branchRead is a branch as it was read.
type branchRead struct {
	head    name.Revision
	asked   record.Asked      // options of its newest accepted revision
	apps    map[name.App]bool // the apps that it names, and whose targets can be used
	unread  string            // why it cannot be rendered in full; "" if it can
	selects bool              // which apps it makes may change without a push, see goes
	meant   bool              // its apps are objects of another tool
}

// desiredState is the kind of state that an app should be in.
type desiredState int

// The states that an app may be wanted in.
const (
	asNamed      desiredState = iota // as its branch names it
	asBefore                         // as it was deployed before a revision that -o skip keeps from it
	asApplied                        // as last applied, because the branch's wish is unknown
	asSelected                       // as last applied, because its cluster is no longer selected
	asRemoved                        // gone: no branch names it any more
	asRemembered                     // gone for long, with a history to ask for
)

// deploys reports whether an app in that state is deployed, or deleted, as a branch says.
func (s desiredState) deploys() bool { return s == asNamed || s == asRemoved }

// desire is the desired state of an app, with its details.
type desire struct {
	state  desiredState
	branch name.Branch
	head   name.Revision // the newest revision of the branch
	kept   name.Revision // for asBefore: the revision; "" if the app was never deployed
	why    string        // for asApplied and asSelected
	retry  bool          // the branch may be read another time
	keeps  bool          // for asRemoved: the push has let its objects stay
}

// desired decides the desired state of each app of a repository, from its branches,
// from the newest records of its apps, and from the options of the newest revisions.
// broken is the reason why the branches cannot be listed; nil if they can.
func desired(repo name.Repo, branches map[name.Branch]branchRead, broken error, records map[name.App]record.Saved) map[name.App]desire {
	wanted := map[name.App]desire{}
	for _, branch := range slices.Sorted(maps.Keys(branches)) {
		read := branches[branch]
		skips := read.asked.Skip && read.asked.Revision == read.head && read.unread == ""
		for app := range read.apps {
			saved, recorded := records[app]
			if !skips || recorded && saved.Record.Result != record.Removed {
				wanted[app] = desire{state: asNamed, branch: branch, head: read.head}
			}
		}
	}
	for app, saved := range records {
		_, named := wanted[app]
		if d, other := recordDesires(repo, branches, broken, saved, named); other {
			wanted[app] = d
		}
	}
	return wanted
}

// recordDesires decides the desired state of an app with a record, unless that is
// simply what its branch says: other is false then. named says that a branch names the
// app.
func recordDesires(repo name.Repo, branches map[name.Branch]branchRead, broken error, saved record.Saved, named bool) (d desire, other bool) {
	rec := &saved.Record
	read := branches[rec.Branch]
	d = desire{branch: rec.Branch, head: read.head}
	removed := rec.Result == record.Removed
	kept, keeps := rec.Keeps(read.head, read.asked)
	d.why, d.retry = whyUntold(repo, read, broken, saved)
	switch {
	case removed:
		d.state, d.why = asRemembered, ""
		return d, !named
	case keeps && read.head != "":
		d.state, d.kept, d.why, d.retry = asBefore, kept, "", false
		return d, true
	case named:
		return desire{}, false
	case d.why != "":
		d.state = asApplied
		return d, true
	case !read.confirmed(rec.App) && read.meant:
		d.state, d.why = asSelected, whyUnmeant
		return d, true
	case !read.confirmed(rec.App):
		d.state, d.why = asSelected, whyUnselected(rec.Cluster)
		return d, true
	}
	d.state, d.keeps = asRemoved, read.keeps(rec.App) // its deletion was confirmed, and may not have ended
	return d, true
}

// whyUntold returns the reason why the wish of a record's branch is unknown; "" if it
// is known. retry says that its repository should be read again.
func whyUntold(repo name.Repo, read branchRead, broken error, saved record.Saved) (why string, retry bool) {
	rec := &saved.Record
	switch {
	case saved.Damaged != nil && rec.Revision == "":
		return saved.Damaged.Error(), false
	case broken != nil:
		return broken.Error(), true
	case read.head == "":
		return fmt.Sprintf("repository %s has no branch %s any more", repo, rec.Branch), rec.Result != record.Removed
	}
	return read.unread, false
}
