// Package versions tests Pushboat's requests with the answers of older API servers: with
// their discovery and schemas, and with their ways to list, watch and refuse, with and
// without the newer features. devcluster is the newest API server.
package versions

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// releases are the two releases before devcluster's: with all features, and without each of
// the features that an operator can turn off or that an older release lacks.
func releases() map[string]release {
	all := map[string]release{}
	for _, version := range []string{"1.35.4", "1.36.2"} {
		all[version] = release{version: version, aggregated: true, streams: true, protobuf: true}
		all[version+" without WatchList"] = release{version: version, aggregated: true, protobuf: true}
		all[version+" without aggregated discovery"] = release{version: version, streams: true, protobuf: true}
		all[version+" with JSON alone"] = release{version: version, aggregated: true, streams: true}
	}
	return all
}

// patience is how long a test waits for an event before it fails.
const patience = 3 * time.Minute

func each(t *testing.T, test func(t *testing.T, s *apiServer, c *kube.Cluster)) {
	for name, r := range releases() {
		t.Run(name, func(t *testing.T) {
			s, c := serve(t, r)
			test(t, s, c)
			for _, request := range s.requests() {
				if strings.Contains(request, "cbor") {
					t.Errorf("a request accepts CBOR, which older API servers do not support: %s", request)
				}
			}
		})
	}
}

func TestKindsAreFound(t *testing.T) {
	each(t, func(t *testing.T, s *apiServer, c *kube.Cluster) {
		about, err := c.About(t.Context())
		if err != nil || about.Version != "v"+s.release.version || !about.Whole || !slices.Contains(about.APIs, "apps/v1/Deployment") {
			t.Errorf("the API server is %+v, with error %v", about, err)
		}
		for gvk, namespaced := range map[schema.GroupVersionKind]bool{
			{Version: "v1", Kind: "ConfigMap"}:                                                        true,
			{Version: "v1", Kind: "Namespace"}:                                                        false,
			{Group: "apps", Version: "v1", Kind: "Deployment"}:                                        true,
			{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"}:                    true,
			{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}:                              true,
			{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}:                  false,
			{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}:          false,
			{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicy"}: false,
		} {
			kind, err := c.Kind(t.Context(), gvk)
			if err != nil || kind.Namespaced != namespaced || len(kind.Missing()) > 0 {
				t.Errorf("%s: %+v, %v", gvk, kind, err)
			}
		}
		all := 0
		for _, request := range s.requests() {
			if strings.HasPrefix(request, "GET /api") {
				all++
			}
		}
		if s.aggregated && all != 2 {
			t.Errorf("%d requests for kinds that are served: %q", all, s.requests())
		}
	})
}

// TestNewerKindsAreNotKnown: a kind of a newer release is refused, and the hint names the
// versions that exist.
func TestNewerKindsAreNotKnown(t *testing.T) {
	each(t, func(t *testing.T, s *apiServer, c *kube.Cluster) {
		for gvk, versions := range map[schema.GroupVersionKind][]string{
			{Group: "storagemigration.k8s.io", Version: "v1", Kind: "StorageVersionMigration"}: {"v1beta1"},
			{Group: "lifecycle.k8s.io", Version: "v1alpha1", Kind: "EvictionRequest"}:          nil,
		} {
			_, err := c.Kind(t.Context(), gvk)
			unknown, ok := errors.AsType[*kube.UnknownKindError](err)
			if !ok || !slices.Equal(unknown.Versions, versions) || unknown.Broken != nil {
				t.Errorf("%s: %v", gvk, err)
			}
			if ok && len(versions) > 0 && !strings.Contains(unknown.Hint(), gvk.Group+"/"+versions[0]) {
				t.Errorf("%s: the hint is %q", gvk, unknown.Hint())
			}
		}
		policy := schema.GroupVersionKind{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "MutatingAdmissionPolicy"}
		_, err := c.Kind(t.Context(), policy)
		if known := err == nil; known != strings.HasPrefix(s.release.version, "1.36") {
			t.Errorf("%s: %v", policy, err)
		}
		if _, served, err := c.Served(t.Context(), schema.GroupKind{Group: "lifecycle.k8s.io", Kind: "EvictionRequest"}); served || err != nil {
			t.Errorf("a kind of 1.37 is served: %v, %v", served, err)
		}
	})
}

// TestRefusalsAreExplained: the release's own schema explains why an apply with an unknown
// field was refused.
func TestRefusalsAreExplained(t *testing.T) {
	each(t, func(t *testing.T, _ *apiServer, c *kube.Cluster) {
		objects, problems := manifest.Parse("web.yaml", []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replica: 2\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		kind, err := c.Kind(t.Context(), objects[0].GroupVersionKind())
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Apply(t.Context(), kind, objects[0].Unstructured, kube.ApplyOptions{DryRun: true})
		if err == nil {
			t.Fatal("the object was applied")
		}
		found := c.Explain(t.Context(), objects[0], err)
		if len(found) != 1 || found[0].Source.Line != 5 || !strings.Contains(found[0].Message, "unknown field spec.replica") || !strings.Contains(found[0].Hint, "replicas") {
			t.Errorf("the explanation is %+v", found)
		}
	})
}

// TestObjectsAreFollowed: running objects are listed and followed, in one stream or two
// steps, and listed again.
func TestObjectsAreFollowed(t *testing.T) {
	each(t, func(t *testing.T, s *apiServer, c *kube.Cluster) {
		for i := range 3 {
			s.has(fmt.Sprint("c", i))
		}
		log := logrus.New()
		log.SetLevel(logrus.PanicLevel)
		index := live.New(t.Context(), c, owner.DefaultTools, logrus.NewEntry(log))
		changes := make(chan live.Event, 100)
		index.OnChange(func(event live.Event) { changes <- event })
		kind, err := c.Kind(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"})
		if err != nil {
			t.Fatal(err)
		}
		if err := index.Follow(t.Context(), kind); err != nil {
			t.Fatal(err)
		}
		if got := index.Members("set"); len(got) != 3 || got[0].Fingerprint == "" {
			t.Errorf("the first list has %+v", got)
		}
		s.has("c1")
		s.has("c3")
		for seen := map[string]bool{}; !seen["c1"] || !seen["c3"]; {
			select {
			case event := <-changes:
				seen[event.Entry.ID.Name] = true
			case <-time.After(patience):
				t.Fatalf("these events came: %v; the requests: %q", seen, s.requests())
			}
		}
		if err := index.Fresh(t.Context(), time.Now(), kind); err != nil {
			t.Fatal(err)
		}
		if got := index.Members("set"); len(got) != 4 {
			t.Errorf("a fresh list has %+v", got)
		}
	})
}
