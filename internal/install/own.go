package install

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/settings"
)

// changeable are the kinds of the server's own objects, all named App, that its own
// repository may change. What the server stands on is not among them: the namespace, the
// claim, the keys, the ServiceAccount and its rights.
var changeable = map[schema.GroupKind]bool{
	{Group: "apps", Kind: "StatefulSet"}:                   true,
	{Group: "policy", Kind: "PodDisruptionBudget"}:         true,
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:    true,
	{Group: "gateway.networking.k8s.io", Kind: "TCPRoute"}: true,
	{Kind: "Service"}:   true,
	{Kind: "ConfigMap"}: true,
}

// measured are the kinds of its objects for scrapes, all named App-metrics.
var measured = map[schema.GroupKind]bool{
	{Kind: "Service"}: true,
	{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}: true,
}

// isChangeable reports whether the server's own repository may change an object.
func isChangeable(id manifest.ID) bool {
	if id.Namespace != kube.SystemNamespace {
		return false
	}
	kind := id.GroupKind()
	return id.Name == App && changeable[kind] || id.Name == App+"-metrics" && measured[kind] ||
		id.Name == App+"-web" && kind == schema.GroupKind{Kind: "Service"}
}

// hintInstall is the way to change what a push may not.
const hintInstall = "change that by: pushboat install"

// Guard holds what the server's own repository declares of the server to what runs: no
// push stops the server, or takes away what it needs.
type Guard struct {
	// Running reads an object; nil: there is none.
	Running func(ctx context.Context, o *manifest.Object) (*unstructured.Unstructured, error)
}

// NewGuard returns the guard of a server that runs on a cluster.
func NewGuard(cluster *kube.Cluster) Guard {
	return Guard{Running: func(ctx context.Context, o *manifest.Object) (*unstructured.Unstructured, error) {
		kind, err := cluster.Kind(ctx, o.GroupVersionKind())
		if err != nil {
			return nil, err
		}
		running, err := cluster.Get(ctx, kind, o.GetNamespace(), o.GetName())
		if kube.IsNotFound(err) {
			return nil, nil
		}
		return running, err
	}}
}

// Check returns the reason for refusing an object; nil: it may be deployed.
func (g Guard) Check(ctx context.Context, o *manifest.Object) *manifest.Problem {
	if !isChangeable(o.ID()) {
		return &manifest.Problem{
			Message: "this repository may change the StatefulSet, the settings and the Service of the server, all named " + App + ", and nothing that it stands on",
			Hint:    hintInstall,
		}
	}
	var compare func(next, running *unstructured.Unstructured) string
	switch o.GetKind() {
	case "StatefulSet":
		compare = whyStops
	case "ConfigMap":
		compare = whySettings
	default:
		return nil
	}
	running, err := g.Running(ctx, o)
	switch {
	case err != nil:
		return &manifest.Problem{Message: "it cannot be compared with what runs: " + err.Error(), Hint: "push again when the cluster answers"}
	case running == nil:
		return &manifest.Problem{Message: "the server is not installed on this cluster", Hint: "install it first: pushboat install"}
	}
	if why := compare(o.Unstructured, running); why != "" {
		return &manifest.Problem{Message: why, Hint: hintInstall}
	}
	return nil
}

// whyStops says why a server could not go on with a StatefulSet; "" if it can.
func whyStops(next, running *unstructured.Unstructured) string {
	if replicas, found, _ := unstructured.NestedInt64(next.Object, "spec", "replicas"); found && replicas < 1 {
		return "without a replica the server would stop, and nobody could push again"
	}
	account := func(set *unstructured.Unstructured) string {
		text, _, _ := unstructured.NestedString(set.Object, "spec", "template", "spec", "serviceAccountName")
		return text
	}
	if account(next) != account(running) {
		return fmt.Sprintf("with the ServiceAccount %q instead of %q the server would lose its rights", account(next), account(running))
	}
	server := containerOf(next)
	if image, _ := server["image"].(string); image == "" {
		return "the container " + App + " is missing, or its image"
	}
	if before, after := claimsOf(running), claimsOf(next); !maps.Equal(before, after) {
		return fmt.Sprintf("the server would lose its data: it has %s, and would have %s", places(before), places(after))
	}
	return ""
}

// containerOf returns the server's container; nil if there is none.
func containerOf(set *unstructured.Unstructured) map[string]any {
	containers, _, _ := unstructured.NestedSlice(set.Object, "spec", "template", "spec", "containers")
	for _, container := range containers {
		if fields, ok := container.(map[string]any); ok && fields["name"] == App {
			return fields
		}
	}
	return nil
}

// claimsOf maps where the server's container mounts claims to their names.
func claimsOf(set *unstructured.Unstructured) map[string]string {
	claims := map[string]string{}
	volumes, _, _ := unstructured.NestedSlice(set.Object, "spec", "template", "spec", "volumes")
	for _, volume := range volumes {
		if fields, ok := volume.(map[string]any); ok {
			claim, _, _ := unstructured.NestedString(fields, "persistentVolumeClaim", "claimName")
			name, _ := fields["name"].(string)
			claims[name] = claim
		}
	}
	mounted := map[string]string{}
	mounts, _ := containerOf(set)["volumeMounts"].([]any)
	for _, mount := range mounts {
		fields, _ := mount.(map[string]any)
		name, _ := fields["name"].(string)
		if path, ok := fields["mountPath"].(string); ok && claims[name] != "" {
			mounted[path] = claims[name]
		}
	}
	return mounted
}

// places names claims and where they are mounted.
func places(claims map[string]string) string {
	if len(claims) == 0 {
		return "no volume"
	}
	var texts []string
	for _, path := range slices.Sorted(maps.Keys(claims)) {
		texts = append(texts, claims[path]+" at "+path)
	}
	return strings.Join(texts, ", ")
}

// whySettings says why a server could not go on with a ConfigMap of settings; "" if it
// can.
func whySettings(next, running *unstructured.Unstructured) string {
	after, err := settingsOf(next)
	if err != nil {
		return "the server would not start: " + withoutPlaces(err).Error()
	}
	before, err := settingsOf(running)
	switch {
	case err != nil:
		return "" // it is not for this program to say what another one had
	case after.Data != before.Data:
		return fmt.Sprintf("the server would lose its data: they are in %s, and it would look in %s", before.Data, after.Data)
	case after.Self != before.Self:
		return "self.repository would change, and this repository could not deploy the server any more"
	}
	return ""
}

func settingsOf(o *unstructured.Unstructured) (settings.Config, error) {
	text, _, _ := unstructured.NestedString(o.Object, "data", settingsFile)
	return settings.ReadText(settingsFile, []byte(text))
}
