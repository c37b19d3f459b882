package deploy

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestOrphansOfANamespace(t *testing.T) {
	var n inNamespace
	n.listed = map[schema.GroupKind]bool{{Group: "apps", Kind: "ReplicaSet"}: true, {Group: "apps", Kind: "Deployment"}: true}
	add := func(group, kind, name string, changes ...func(*metav1.ObjectMeta)) {
		meta := metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID(kind + "/" + name)}
		for _, change := range changes {
			change(&meta)
		}
		n.objects = append(n.objects, namespaced{manifest.ID{Group: group, Kind: kind, Namespace: "shop", Name: name}, meta})
	}
	owned := func(version, kind, name string) func(*metav1.ObjectMeta) {
		return func(m *metav1.ObjectMeta) {
			m.OwnerReferences = append(m.OwnerReferences, metav1.OwnerReference{APIVersion: version, Kind: kind, Name: name, UID: types.UID(kind + "/" + name)})
		}
	}
	label := func(key, value string) func(*metav1.ObjectMeta) {
		return func(m *metav1.ObjectMeta) { metav1.SetMetaDataLabel(m, key, value) }
	}
	add("", "ConfigMap", "kube-root-ca.crt")
	add("", "ServiceAccount", "default")
	add("", "Secret", "token", func(m *metav1.ObjectMeta) {
		metav1.SetMetaDataAnnotation(m, "kubernetes.io/service-account.name", "x")
	})
	add("", "Secret", "sh.helm.release.v1.pg.v1", label("owner", "helm"), label("name", "pg"))
	add("", "Secret", "sh.helm.release.v1.pg.v2", label("owner", "helm"), label("name", "pg"))
	add("", "ConfigMap", "wanted")
	add("", "ConfigMap", "hook", label(kube.PartOfLabel, "known"))
	add("", "ConfigMap", "by-hand", func(m *metav1.ObjectMeta) {
		m.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl-create"}, {Manager: "later"}}
	})
	add("", "ConfigMap", "of-another", label(kube.PartOfLabel, "unknown"))
	add("apps", "Deployment", "web")
	add("extensions", "Deployment", "web")
	add("apps", "ReplicaSet", "web-1", owned("apps/v1", "Deployment", "web"))
	add("", "Pod", "web-1-a", owned("apps/v1", "ReplicaSet", "web-1"))
	add("", "Pod", "static", owned("v1", "Node", "n"))
	add("", "Pod", "left", owned("apps/v1", "ReplicaSet", "gone"))
	wanted := func(id manifest.ID, set string) bool { return id.Name == "wanted" || set == "known" }
	found, helm := n.orphans(wanted)
	var lines []string
	for _, o := range found {
		lines = append(lines, o.Object+" "+o.Manager+" "+o.Note)
	}
	wantLines(t, "orphans", lines,
		"ConfigMap shop/by-hand kubectl-create ",
		"ConfigMap shop/of-another  of an ApplySet that no app here has",
		"Deployment shop/web  ",
		"Pod shop/left  its owner is gone: ReplicaSet gone",
	)
	wantLines(t, "releases", helm, "pg")
}

// TestNamespacesOfAnApp: an app is where its objects are to be, and where those are that it
// has made. What another one has labelled as part of it is not its own.
func TestNamespacesOfAnApp(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web", func(t *target) { t.Spec.Namespace = "front" }))
	in := func(namespace string) func(*unstructured.Unstructured) {
		return func(u *unstructured.Unstructured) { u.SetNamespace(namespace) }
	}
	made := o.member(a, "cache", in("caches"))
	a.ledger.Note(manifest.IDOf(made), record.Noted{})
	o.member(a, "forged", in("elsewhere"), func(u *unstructured.Unstructured) { u.SetManagedFields(nil) })
	o.has("idle", "shop", wanted("idle", func(t *target) { t.Spec.Namespace, t.Spec.Cluster = "", "nosuch" }))
	for app, want := range map[name.App][]string{"web": {"front", "caches"}, "idle": nil, "unknown": nil} {
		var is []string
		for _, namespace := range []string{"front", "caches", "elsewhere", ""} {
			if o.IsIn(app, namespace) {
				is = append(is, namespace)
			}
		}
		if _, listed := o.Namespaces(app); !slices.Equal(is, want) || !slices.Equal(listed, want) {
			t.Errorf("app %s is in %q, and lists %q; want %q", app, is, listed, want)
		}
	}
}
