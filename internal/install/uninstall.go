package install

import (
	"context"
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// Uninstall removes the server from a cluster. The objects of apps keep running. The
// data, the keys, the values and the inventories stay, so that an installation
// continues from there.
func Uninstall(ctx context.Context, order Order, out io.Writer) error {
	cluster, err := order.open()
	if err != nil {
		return err
	}
	if err := refuseHelm(ctx, cluster, helmUninstall); err != nil {
		return err
	}
	installed, err := listInstalled(ctx, cluster)
	if err != nil {
		return err
	}
	parents, err := cluster.ListParents(ctx)
	if err != nil {
		return err
	}
	p := &plan.Plan{App: App, Cluster: cluster.Name(), Revision: "uninstall", Prune: installed}
	if p.Empty() {
		fmt.Fprintf(out, "The server is not installed on cluster %s.\n", cluster.Name())
		return nil
	}
	if err := order.confirm(p, out); err != nil {
		return err
	}
	if err := remove(ctx, cluster, p.Prune, out); err != nil {
		return err
	}
	fmt.Fprint(out, remains(parents, kubectl(order.Cluster)))
	return nil
}

// remains says what is left, and how to reinstall or delete it.
func remains(parents []kube.Parent, kubectl string) string {
	apps := make([]name.App, len(parents))
	for i, parent := range parents {
		apps[i] = parent.App
	}
	running := "no app had anything on this cluster"
	if len(apps) > 0 {
		const most = 10
		more := ""
		if len(apps) > most {
			more = fmt.Sprintf(" and %d more", len(apps)-most)
		}
		running = manifest.Plural(len(apps), "app") + " (" + name.Join(apps[:min(len(apps), most)], ", ") + more + ")"
	}
	return fmt.Sprintf(`The server is gone. What was deployed runs on, and nobody corrects it: %s.
Left alone: the volume with the repositories, the keys, the values, and what each app
owns. pushboat install goes on from there.

To lose all of that as well, and the history of every deploy with it:

    %s delete namespace %s
`, running, kubectl, kube.SystemNamespace)
}
