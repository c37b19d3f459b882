package install

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// serverObjects selects the objects of an installation, except those that outlive it:
// the namespace, the data, and the keys and values.
const serverObjects = componentLabel + "=server"

// kinds are those of the chart's objects, in the order in which they are deleted.
var kinds = []schema.GroupKind{
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "policy", Kind: "PodDisruptionBudget"},
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"},
	{Group: "gateway.networking.k8s.io", Kind: "TCPRoute"},
	{Kind: "Service"},
	{Kind: "ConfigMap"},
	{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"},
	{Group: "rbac.authorization.k8s.io", Kind: "Role"},
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"},
	{Kind: "ServiceAccount"},
}

// planOf compares the objects with the cluster, and changes nothing. The problems are
// everything that the API server would refuse.
func planOf(ctx context.Context, cluster *kube.Cluster, objects []*manifest.Object) (*plan.Plan, manifest.Problems, error) {
	if err := refuseHelm(ctx, cluster, helmUpgrade); err != nil {
		return nil, nil, err
	}
	there, err := cluster.HasNamespace(ctx, kube.SystemNamespace)
	if err != nil {
		return nil, nil, err
	}
	p := &plan.Plan{App: App, Cluster: cluster.Name()}
	var problems manifest.Problems
	for _, o := range objects {
		step, found := compare(ctx, cluster, o, there)
		problems = append(problems, found...)
		p.Steps = append(p.Steps, step)
	}
	if len(problems) > 0 {
		return p, problems, nil
	}
	installed, err := listInstalled(ctx, cluster)
	if err != nil {
		return nil, nil, err
	}
	p.Prune = surplus(installed, objects)
	return p, nil, nil
}

// statefulSets is the kind of the server itself.
var statefulSets = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "StatefulSet"}

// The annotations in which Helm names the release of an object.
const (
	helmRelease   = "meta.helm.sh/release-name"
	helmNamespace = "meta.helm.sh/release-namespace"
)

// Helm's own commands, for refuseHelm.
const (
	helmUpgrade   = "upgrade %s config/install/chart --namespace %s --reuse-values"
	helmUninstall = "uninstall %s --namespace %s"
)

// refuseHelm returns an error if Helm has installed the server: at its next upgrade, it
// would revert every change made here. verb is Helm's own command.
func refuseHelm(ctx context.Context, cluster *kube.Cluster, verb string) error {
	set, err := getServer(ctx, cluster)
	if err != nil || set == nil {
		return err
	}
	release, namespace := set.GetAnnotations()[helmRelease], set.GetAnnotations()[helmNamespace]
	if release == "" {
		return nil
	}
	return report.WithHint(fmt.Errorf("the server was installed by Helm, as release %s of namespace %s", release, namespace),
		"helm "+verb, release, namespace)
}

// getServer reads the StatefulSet of the server; nil if there is none.
func getServer(ctx context.Context, cluster *kube.Cluster) (*unstructured.Unstructured, error) {
	kind, err := cluster.Kind(ctx, statefulSets)
	if err != nil {
		return nil, err
	}
	set, err := cluster.Get(ctx, kind, kube.SystemNamespace, App)
	if kube.IsNotFound(err) {
		return nil, nil
	}
	return set, err
}

// compare plans one object.
func compare(ctx context.Context, cluster *kube.Cluster, o *manifest.Object, namespaced bool) (plan.Step, manifest.Problems) {
	step := plan.Step{ID: o.ID(), Action: record.Create, Object: o}
	var err error
	if step.Kind, err = cluster.Kind(ctx, o.GroupVersionKind()); err != nil {
		return step, cluster.Explain(ctx, o, err)
	}
	if o.GetNamespace() == kube.SystemNamespace && !namespaced {
		return step, cluster.Rehearse(ctx, step.Kind, o)
	}
	running, err := cluster.Get(ctx, step.Kind, o.GetNamespace(), o.GetName())
	isNew := kube.IsNotFound(err)
	if err != nil && !isNew {
		return step, cluster.Explain(ctx, o, err)
	}
	after, tried := cluster.Apply(ctx, step.Kind, o.Unstructured, kube.ApplyOptions{DryRun: true})
	switch {
	case kube.IsNotFound(tried) && grants(step.ID) && !plan.IsNamespaceMissing(tried): // the role comes with this installation
		return step, nil
	case tried != nil:
		return step, cluster.Explain(ctx, o, tried)
	case isNew:
		return step, nil
	}
	if problem, mine := madeByHand(o, running); !mine {
		return step, manifest.Problems{problem}
	}
	step.Action = record.Configure
	if step.Changes = manifest.Diff(running.Object, after.Object, manifest.Masker{}); len(step.Changes) == 0 {
		step.Action = record.Unchanged
	}
	return step, nil
}

// grants reports whether an object grants the rights of a role.
func grants(id manifest.ID) bool { return id.Kind == "RoleBinding" || id.Kind == "ClusterRoleBinding" }

// madeByHand returns a problem if somebody made the running ConfigMap of keys by hand:
// an installation would lose its content.
func madeByHand(o *manifest.Object, running *unstructured.Unstructured) (problem manifest.Problem, mine bool) {
	if o.GetKind() != "ConfigMap" || running.GetLabels()[componentLabel] != "" {
		return manifest.Problem{}, true
	}
	return manifest.Problem{
		Object:  o.ID().String(),
		Message: "it was made by hand, and its content would be lost",
		Hint:    "change it with kubectl edit, or give all that is in it as values (--values FILE) and delete it",
	}, false
}

// listInstalled lists the server's own objects on the cluster.
func listInstalled(ctx context.Context, cluster *kube.Cluster) ([]plan.Step, error) {
	var found []plan.Step
	for _, gk := range kinds {
		kind, err := cluster.KindOf(ctx, gk)
		if unknown := (*kube.UnknownKindError)(nil); errors.As(err, &unknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list, err := cluster.List(ctx, kind, "", serverObjects)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find what is installed: %w", err)
		}
		for i := range list.Items {
			object := &list.Items[i]
			found = append(found, plan.Step{ID: manifest.IDOf(object), Action: record.Delete, Kind: kind})
		}
	}
	return found, nil
}

// surplus returns the installed objects that are no longer wanted.
func surplus(installed []plan.Step, wanted []*manifest.Object) []plan.Step {
	keep := map[manifest.ID]bool{}
	for _, o := range wanted {
		keep[o.ID()] = true
	}
	var found []plan.Step
	for _, step := range installed {
		if !keep[step.ID] {
			found = append(found, step)
		}
	}
	return found
}
