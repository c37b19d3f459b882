package command

import (
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/report"
)

// spelling spells the remedies of problems for callers of a verb that deploys: as the
// flags of syncFlags.
var spelling = report.Door{
	Again: "try again", Force: "repeat it with --force", ConfirmPrune: "repeat it with --confirm-prune=",
	Override: `repeat it with --override "'REASON'"`,
}

// spellingOf is spelling for users who did not run the verb with those flags: it names
// the verb, such as "sync shop".
func spellingOf(verb string) report.Door {
	run := "run ssh HOST " + verb
	return report.Door{Again: "try again", Force: run + " --force", ConfirmPrune: run + " --confirm-prune=", Override: run + ` --override "'REASON'"`}
}

// standing is the relation of a revision to the branch of an app.
type standing int

const (
	elsewhere standing = iota // not on the branch
	earlier                   // on the branch, below the newest one
	newest
)

// spelling spells the remedies of problems in a plan of the revision: with the verb
// that deploys it from where it stands, or with a push.
func (s standing) spelling(app name.App, revision string) report.Door {
	switch s {
	case newest:
		return spellingOf("sync " + string(app))
	case earlier:
		return spellingOf("rollback " + string(app) + " " + revision)
	}
	door := push.Spelling
	door.Again = spelling.Again
	return door
}
