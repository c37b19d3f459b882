package push

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// upToDate answers a push with nothing to push, because the repository has all of it.
// Git then runs no hook, and its client says "Everything up-to-date" and exits 0. With
// another exit status of the session, the client says that the push failed, and exits 1
// (measured, git 2.39). So a push that is retried after its deploy has failed keeps
// failing for as long as its apps are down. Running deploys are shown to their end, as
// after a push. What the client wanted to push cannot be known, so every app of the
// repository counts.
func (p *push) upToDate(ctx context.Context) int {
	repo := p.repo.Name()
	if !p.door.Policy.Allows(p.session.Caller(), access.Deploy, access.Subject{Repo: repo}) {
		return 0
	}
	ctx, cancel := p.whileThere(ctx)
	defer cancel()
	out := filled{p.session.Stderr(), p.session.Fill}
	status := 0
	for _, app := range p.door.Engine.AppsOf(repo) {
		if run := p.door.Engine.Run(app, 0); run != nil {
			if _, ended := run.Outcome(); !ended {
				p.show(ctx, run, out)
			}
		}
		if p.door.Engine.AwaitRest(ctx, app) != nil {
			return status
		}
		now, _ := p.door.Engine.Status(app)
		if now.Sync == deploy.Waits {
			fmt.Fprintf(out, "%s: %s\n", app, strings.ReplaceAll(now.Window.String(), "\n", "\n  "))
		}
		if why := down(now); why != "" {
			fmt.Fprintf(out, "error: %s\n%s", manifest.Clean(why), report.Hints("nothing was pushed; push a fix, or run: ssh HOST sync "+string(app)))
			status = exitNotDeployed
		}
	}
	return status
}

// down says why an app is not as its newest deploy should have left it; "" if it is, or
// is held on purpose. Damage after a successful deploy does not count against the push.
func down(s deploy.Status) string {
	if s.Last == nil || s.Suspension != nil || s.Running != "" {
		return ""
	}
	ended := s.Last.Result
	if s.Last.Standing != "" {
		ended = s.Last.Standing
	}
	first, _, _ := strings.Cut(s.Last.Message, "\n")
	switch {
	case s.Sync == deploy.NotSynced:
		return fmt.Sprintf("%s is not deployed (deploy %s): %s", s.App, s.Last.ID(), first)
	case ended == record.Unhealthy && slices.Contains([]string{"failing", "progressing"}, s.Health):
		return fmt.Sprintf("%s is deployed, but %s (deploy %s): %s", s.App, s.Health, s.Last.ID(), first)
	}
	return ""
}
