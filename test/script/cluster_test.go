package script

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd/api"

	testcluster "github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// cluster is the API server that all scripts share, as a tool used by hand reaches it:
// directly, without a script's proxy.
type cluster struct {
	kubeconfig *api.Config
	dynamic    dynamic.Interface
	discovery  discovery.CachedDiscoveryInterface
	mapper     meta.ResettableRESTMapper
	audit      *audit // nil for a cluster that this run did not start
	lease      string // the lease of the servers of all scripts; "": each script has its own
	token      string // with which servers act on the cluster; "": they have the rights of the kubeconfig
}

// startCluster finds or starts the cluster of this run.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	start := time.Now()
	log := filepath.Join(t.TempDir(), "audit.log")
	found, err := testcluster.Start(context.WithoutCancel(t.Context()), t.TempDir(), testcluster.Options{AuditLog: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := found.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("the cluster was ready after %.1f s", time.Since(start).Seconds())
	c, err := newCluster(found)
	if err != nil {
		t.Fatal(err)
	}
	if !found.External {
		c.audit = newAudit(log)
	}
	return c
}

func newCluster(found *testcluster.Cluster) (*cluster, error) {
	kubeconfig, err := server.ReadKubeconfig(found.Kubeconfig)
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(found.Config)
	config.UserAgent = "script"
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(kinds)
	return &cluster{
		kubeconfig: kubeconfig, dynamic: client, discovery: cached,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached),
	}, nil
}

// condition evaluates the conditions of scripts. Only a devcluster's pods can be made to
// fail, and only a devcluster of this run writes an audit log.
func (c *cluster) condition(word string) (bool, error) {
	switch word {
	case "devcluster":
		return c.kubeconfig.CurrentContext == "devcluster", nil
	case "requests":
		return c.audit != nil, nil
	case "mounts":
		return server.CanMount(), nil
	}
	return false, errors.New("the conditions here are devcluster, mounts and requests")
}

// resource finds the resource for a word, as kubectl does: "deploy", "Deployment",
// "widgets.example.org".
func (c *cluster) resource(kind string) (resource schema.GroupVersionResource, namespaced bool, err error) {
	mapper := restmapper.NewShortcutExpander(c.mapper, c.discovery, nil)
	partial := schema.ParseGroupResource(strings.ToLower(kind)).WithVersion("")
	var gvk schema.GroupVersionKind
	err = c.learn(func() (err error) {
		if resource, err = mapper.ResourceFor(partial); err != nil {
			return err
		}
		gvk, err = mapper.KindFor(resource)
		return err
	})
	if err != nil {
		return resource, false, err
	}
	mapping, err := c.mapping(gvk)
	if err != nil {
		return resource, false, err
	}
	return mapping.Resource, mapping.Scope.Name() == meta.RESTScopeNameNamespace, nil
}

func (c *cluster) mapping(gvk schema.GroupVersionKind) (mapping *meta.RESTMapping, err error) {
	err = c.learn(func() (err error) {
		mapping, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		return err
	})
	return mapping, err
}

// knownWithin is how long it may take until the API server knows a new kind. Where a kind's
// APIService comes back, that is the next round of the aggregator, which looks each minute.
const knownWithin = 2 * time.Minute

// learn asks the cluster about a kind. If the kind is unknown, learn reads the API server's
// discovery again, since its definition may be new.
func (c *cluster) learn(ask func() error) error {
	late, again := time.After(knownWithin), time.NewTicker(200*time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if !meta.IsNoMatchError(err) {
			return err
		}
		c.mapper.Reset()
		select {
		case <-again.C:
		case <-late:
			return err
		}
	}
}

// systemNamespace is the namespace in which servers keep the inventories of their apps.
const systemNamespace = "pushboat-system"

// forget deletes everything that a script has left: its namespaces, and the objects without
// a namespace that have its name. The deletion of the namespaces is not awaited.
func (c *cluster) forget(app, namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	var errs []error
	for _, kind := range []struct {
		group, resource, namespace, name string
	}{
		{"", "namespaces", "", namespace},
		{"", "secrets", systemNamespace, app},
		{"apiregistration.k8s.io", "apiservices", "", app}, // the APIServices of definitions are made again by the API server
		{"apiextensions.k8s.io", "customresourcedefinitions", "", app},
		{"rbac.authorization.k8s.io", "clusterroles", "", app},
	} {
		resource := schema.GroupVersionResource{Group: kind.group, Version: "v1", Resource: kind.resource}
		errs = append(errs, deleteNamed(ctx, c.dynamic.Resource(resource).Namespace(kind.namespace), kind.name))
	}
	return errors.Join(errs...)
}

// deleteNamed deletes the objects whose names contain a word.
func deleteNamed(ctx context.Context, client dynamic.ResourceInterface, word string) error {
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for _, object := range list.Items {
		if strings.Contains(object.GetName(), word) {
			err := client.Delete(ctx, object.GetName(), metav1.DeleteOptions{})
			if !apierrors.IsNotFound(err) { // the object may have been deleted meanwhile
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
