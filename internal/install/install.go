// Package install installs the server itself on a cluster, with the chart that is
// embedded in the program. It plans, applies, waits until the server serves, and says
// how to reach it. It deploys no app, and leaves apps alone when it removes the server.
package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/report"
)

// App is the name of every object of an installation that has no reason for another
// one.
const App = "pushboat"

// DefaultTimeout is the time that the server has to start serving: pulling the image
// and binding a volume take most of it.
const DefaultTimeout = 5 * time.Minute

// Order says what to install, and where.
type Order struct {
	Cluster kube.Kubeconfig
	Given   Given
	Version string        // of this program, and so of its image; "" or dev: the chart's
	Timeout time.Duration // 0: DefaultTimeout
	// Ask asks a person for confirmation before anything changes; nil: do not ask.
	Ask func(question string) (bool, error)
}

// ErrNotWanted says that the person declined. Nothing was changed.
var ErrNotWanted = errors.New("nothing was changed")

// Install installs the server, or upgrades it. It writes the plan and its progress to
// out.
func Install(ctx context.Context, order Order, out io.Writer) error {
	cluster, err := order.open()
	if err != nil {
		return err
	}
	if err := order.refuseSelf(ctx, cluster); err != nil {
		return err
	}
	values, err := order.values(ctx, cluster)
	if err != nil {
		return err
	}
	if err := values.checkImage(); err != nil {
		return err
	}
	objects, err := renderFor(ctx, cluster, values, order.Version)
	if err != nil {
		return err
	}
	p, problems, err := planOf(ctx, cluster, objects)
	if err != nil {
		return err
	}
	p.Revision = name.Revision(values.imageTag(order.Version)) // not a commit, but the plan shows it
	if len(problems) > 0 {
		report.WriteProblems(out, problems, report.Door{Again: "try again"})
		return errors.New("it cannot be installed as it is; the lines above say why")
	}
	if err := order.confirm(p, out); err != nil {
		return err
	}
	if err := carryOut(ctx, cluster, p, out); err != nil {
		return err
	}
	if err := waitUntilServing(ctx, cluster, cmp.Or(order.Timeout, DefaultTimeout), out); err != nil {
		return err
	}
	return writeReach(ctx, cluster, order.Cluster, out)
}

// open opens the cluster, as kubectl would for the same user. Its name is the given
// context, or the address of the API server.
func (o Order) open() (*kube.Cluster, error) {
	config, err := o.Cluster.Load()
	if err != nil {
		return nil, err
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	return kube.Open(cmp.Or(o.Cluster.Context, config.Host), config, logrus.NewEntry(log))
}

// confirm writes a plan, and asks whether to carry it out. It does not ask about a plan
// that changes nothing.
func (o Order) confirm(p *plan.Plan, out io.Writer) error {
	report.WritePlan(out, p)
	if p.Empty() || o.Ask == nil {
		return nil
	}
	yes, err := o.Ask("carry this out?")
	switch {
	case err != nil:
		return err
	case !yes:
		return ErrNotWanted
	}
	return nil
}

// Print writes the manifests that Install would apply to an empty cluster. It asks no
// cluster.
func Print(ctx context.Context, given Given, version string, out io.Writer) error {
	values, err := given.values(nil)
	if err != nil {
		return err
	}
	objects, err := render(ctx, values, version, oldest)
	if err != nil {
		return err
	}
	fmt.Fprint(out, printHead)
	for _, o := range objects {
		if err := printObject(out, o); err != nil {
			return err
		}
	}
	return nil
}
