package kube

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestWhatIsTheServersOwn(t *testing.T) {
	for key, want := range map[manifest.ID]bool{
		{Kind: "Namespace", Name: SystemNamespace}:                                                            true,
		{Kind: "Secret", Namespace: SystemNamespace, Name: "pushboat-app-shop"}:                               true,
		{Kind: "ConfigMap", Namespace: SystemNamespace, Name: "any"}:                                          true,
		{Group: "x.org", Kind: "Widget", Namespace: SystemNamespace, Name: "a"}:                               true,
		{Kind: "Namespace", Name: "shop"}:                                                                     false,
		{Group: "x.org", Kind: "Namespace", Name: SystemNamespace}:                                            false,
		{Kind: "Secret", Namespace: "shop", Name: "pushboat-app-shop"}:                                        false,
		{Kind: "PersistentVolume", Name: SystemNamespace}:                                                     false,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "pushboat"}:                           true,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding", Name: "pushboat-deploy"}:             true,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "pushboat-deploy-read"}:               true,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "pushboat-team"}:                      false,
		{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding", Namespace: "shop", Name: "pushboat-deploy"}: false,
		{Group: "x.org", Kind: "ClusterRole", Name: "pushboat"}:                                               false,
	} {
		if got := IsSystem(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
