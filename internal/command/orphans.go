package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

const orphansHelp = "An object is left out if an app wants it, if another object owns it, or if\n" +
	"Kubernetes itself makes it: Events, Endpoints, EndpointSlices, Leases, tokens of\n" +
	"accounts, kube-root-ca.crt and the ServiceAccount default. Secrets of Helm\n" +
	"releases are named apart. It needs the right on an app that has objects in the\n" +
	"namespace, and sees what that app's account may list; admins see any namespace.\n" +
	"Example: orphans shop"

func orphansFlags(f *pflag.FlagSet) {
	output(f)
	f.String("cluster", "default", "the cluster of the namespace")
}

// orphans lists the objects of a namespace that nobody wants or owns.
func orphans(ctx context.Context, c *call) error {
	cluster, _ := c.flags.GetString("cluster") // the flags are those of orphansFlags
	namespace := c.args[0]
	if len(validation.ValidateNamespaceName(namespace, false)) > 0 {
		return usageError{fmt.Sprintf("%q is no name of a namespace", manifest.Clean(namespace))}
	}
	repo, err := c.viewOf(cluster, namespace)
	if err != nil {
		return err
	}
	found, err := c.Engine.Orphans(ctx, repo, cluster, namespace)
	if errors.Is(err, deploy.ErrNoCluster) {
		return report.WithHint(fmt.Errorf("cluster %s is not known", manifest.Clean(cluster)), "see the clusters: ssh HOST status --server")
	}
	if err != nil {
		return report.WithHint(err, "try again; see whether the cluster answers: ssh HOST status")
	}
	return c.print(found, func(w io.Writer) { printOrphans(w, found, time.Now()) })
}

// viewOf returns the repository as whose account the caller may look at a namespace; "" for
// the server itself. Whether a namespace exists that the caller has no app in, it does not
// tell.
func (c *call) viewOf(cluster, namespace string) (name.Repo, error) {
	for _, s := range c.visible() {
		at, namespaces := c.Engine.Namespaces(s.App)
		if at != cluster || !slices.Contains(namespaces, namespace) || !c.Policy.Allows(c.Caller(), c.right(), view.SubjectOf(s)) {
			continue
		}
		return s.Repo, c.checkApps(c.right(), aboutApp(s))
	}
	if c.Policy.Allows(c.Caller(), access.Administer, access.Subject{}) {
		return "", c.check(access.Administer, access.Subject{})
	}
	return "", report.WithHint(fmt.Errorf("namespace %s is none that your apps deploy to on cluster %s", namespace, manifest.Clean(cluster)),
		"see your apps: ssh HOST apps")
}

func printOrphans(w io.Writer, found deploy.Orphans, now time.Time) {
	if len(found.Objects) == 0 {
		fmt.Fprintf(w, "namespace %s has no orphans\n", found.Namespace)
	} else {
		table := newTable(w, "OBJECT", "AGE", "MADE BY", "")
		for _, o := range found.Objects {
			table.row(o.Object, manifest.Roughly(now.Sub(o.Created)), dash(o.Manager), o.Note)
		}
		table.print()
	}
	if len(found.Helm) > 0 {
		fmt.Fprintf(w, "Helm keeps releases here: %s\n", strings.Join(found.Helm, ", "))
	}
	for _, why := range found.Unseen {
		fmt.Fprintf(w, "not all is seen: %s\n", manifest.Clean(why))
	}
}
