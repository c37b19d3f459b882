package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

func takeOverFlags(f *pflag.FlagSet) {
	f.String("cluster", "", "where the app is; "+appfile.DefaultCluster+" if this server does not know it")
	f.Bool("yes", false, "do it: no other server deploys the app any more")
}

// takeOver assigns the inventory of an app on a cluster to this server.
func takeOver(ctx context.Context, c *call) error {
	app, err := name.ParseApp(c.args[0])
	if denied := c.checkApps(c.right(), asked{app: app}); denied != nil {
		return denied
	}
	if err != nil {
		return fmt.Errorf("app name %q %w", c.args[0], err)
	}
	cluster, err := c.flags.GetString("cluster")
	if err != nil {
		return err
	}
	status, known := c.seen(app)
	repo := status.Repo
	if len(c.args) == 2 {
		if repo, err = name.ParseRepo(c.args[1]); err != nil {
			return report.WithHint(err, "see the repositories: ssh HOST repo list")
		}
	}
	if repo == "" {
		return report.WithHint(fmt.Errorf("this server has no app %s yet", app), "name its repository: ssh HOST take-over %s REPOSITORY", app)
	}
	if known {
		cluster = cmp.Or(cluster, status.Cluster)
	}
	if yes, err := c.flags.GetBool("yes"); err != nil || !yes {
		return report.WithHint(fmt.Errorf("no other server or repository could deploy app %s any more", app),
			"stop the other one, if it runs; then: ssh HOST take-over %s %s --yes", app, repo)
	}
	was, err := c.Engine.TakeOver(ctx, app, repo, cmp.Or(cluster, appfile.DefaultCluster))
	if home, elsewhere := errors.AsType[*deploy.HomeError](err); elsewhere && !c.sees(home.App) {
		return report.WithHint(fmt.Errorf("app %s is that of another repository", app), "ask an admin of this server whose it is")
	}
	if err != nil {
		return err
	}
	if !was.Exists() {
		return report.WithHint(fmt.Errorf("no server has an app %s on cluster %s", app, cmp.Or(cluster, appfile.DefaultCluster)), "push it: there is nothing to take over")
	}
	c.Log.WithField("app", app).WithField("repository", repo).WithField("operator", c.Caller().Operator).
		WithField("server", was.Server).WithField("from", was.Repository).Warn("app taken over")
	fmt.Fprintf(c, "app %s is that of repository %s of this server now; push it, or see: ssh HOST plan %s\n", app, repo, app)
	return nil
}
