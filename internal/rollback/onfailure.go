package rollback

import (
	"bytes"
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// spelling has the words for the remedies, for readers of the reason why an app was not
// taken back: those of the verb that does so.
func spelling(app name.App) report.Door {
	run := "run ssh HOST rollback " + string(app)
	return report.Door{Again: run, Force: run + " --force", ConfirmPrune: run + " --confirm-prune="}
}

// After takes an app whose deploy has failed back to its last good deploy, and returns
// the deploy that begins. It is an error if the branch has moved on, if there is no
// good deploy, and if the gate refuses.
func (m *Maker) After(ctx context.Context, failed record.Record) (deploy.Sequel, error) {
	r, err := m.Prepare(ctx, Request{
		App: failed.App, Head: git.Hash(failed.Revision), Caller: access.System("onFailure"),
		Reason:  fmt.Sprintf("Deploy %s is %s, and onFailure is rollback.", failed.ID(), failed.Result),
		Options: deploy.Options{ConfirmPrune: -1, Undo: true},
	})
	if err != nil {
		return deploy.Sequel{}, err
	}
	defer r.Close()
	if r.Refused() {
		var why bytes.Buffer
		report.WriteProblems(&why, r.Problems, spelling(failed.App))
		return deploy.Sequel{}, fmt.Errorf("the gate refuses %s:\n%s", r.To.Short(), bytes.TrimSpace(why.Bytes()))
	}
	runs, err := r.Deploy(ctx)
	if err != nil {
		return deploy.Sequel{}, err
	}
	for _, run := range runs {
		if run.App == failed.App {
			return deploy.Sequel{Run: run, Closing: r.Closing}, nil
		}
	}
	return deploy.Sequel{}, fmt.Errorf("%s deploys nothing of app %s", r.Commit.Short(), failed.App)
}
