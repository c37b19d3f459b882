package command

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

func takeOverFlags(f *pflag.FlagSet) {
	f.String("cluster", "", "where the app is; "+appfile.DefaultCluster+" if this server does not know it")
	f.Bool("yes", false, "do it: no other server deploys the app any more")
}

// takeOver makes the inventory of an app on a cluster this server's.
func takeOver(ctx context.Context, c *call) error {
	name := c.args[0]
	if err := c.Policy.Check(c.Caller(), access.Administer, ""); err != nil {
		return err
	}
	cluster, err := c.flags.GetString("cluster")
	if err != nil {
		return err
	}
	status, known := c.Engine.Status(name)
	repo := status.Repo
	if len(c.args) == 2 {
		repo = c.args[1]
	}
	if repo == "" {
		return report.WithHint(fmt.Errorf("this server has no app %s yet", manifest.Clean(name)), "name its repository: ssh HOST take-over %s REPOSITORY", manifest.Clean(name))
	}
	if _, err := git.ParseName(repo); err != nil {
		return report.WithHint(err, "see the repositories: ssh HOST repo list")
	}
	if known {
		cluster = cmp.Or(cluster, status.Cluster)
	}
	if yes, err := c.flags.GetBool("yes"); err != nil || !yes {
		return report.WithHint(fmt.Errorf("no other server or repository could deploy app %s any more", name),
			"stop the other one, if it runs; then: ssh HOST take-over %s %s --yes", name, repo)
	}
	was, err := c.Engine.TakeOver(ctx, name, repo, cmp.Or(cluster, appfile.DefaultCluster))
	if err != nil {
		return err
	}
	if !was.Exists() {
		return report.WithHint(fmt.Errorf("no server has an app %s on cluster %s", name, cmp.Or(cluster, appfile.DefaultCluster)), "push it: there is nothing to take over")
	}
	c.Log.WithField("app", name).WithField("repository", repo).WithField("operator", c.Caller().Operator).
		WithField("server", was.Server).WithField("from", was.Repository).Warn("app taken over")
	fmt.Fprintf(c, "app %s is that of repository %s of this server now; push it, or see: ssh HOST plan %s\n", name, repo, name)
	return nil
}
