package kube

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/test/cluster"
)

// running is the cluster of this package's tests, started by the first test that needs it.
var running struct {
	once sync.Once
	*cluster.Cluster
	err error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pushboat-kube-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testDir = dir
	code := m.Run()
	if running.Cluster != nil {
		if err := running.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var testDir string

// testConfig is the configuration of the package's real cluster.
func testConfig(t testing.TB) *rest.Config {
	t.Helper()
	running.once.Do(func() {
		running.Cluster, running.err = cluster.Start(context.Background(), testDir, cluster.Options{})
	})
	if running.err != nil {
		t.Fatal(running.err)
	}
	return rest.CopyConfig(running.Config)
}

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

// open returns the package's real cluster.
func open(t testing.TB) *Cluster {
	t.Helper()
	return must[*Cluster](t)(Open("default", testConfig(t), quiet()))
}

// as returns the cluster as the ServiceAccount pushboat-system/NAME sees it.
func as(t testing.TB, name string) *Cluster {
	t.Helper()
	cfg := testConfig(t)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:pushboat-system:" + name}
	return must[*Cluster](t)(Open("default", cfg, quiet()))
}

// must returns the value of a step that prepares a test, or fails the test.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// run distinguishes this run's objects from those of an earlier run on the same cluster.
var run = strconv.FormatInt(time.Now().UnixNano(), 36)

// eventually retries until done returns true, for changes that the API server notices after
// a while, without an event to wait for.
func eventually(t testing.TB, done func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the condition was not met within 2 min")
		}
	}
}

// newNamespace creates a namespace that exists for as long as the test runs.
func newNamespace(t testing.TB, c *Cluster, name string) string {
	t.Helper()
	name += "-" + run
	u := object(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+name+"}")
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), namespaces, u.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), namespaces, "", name, DeleteOptions{}) })
	return name
}

// object reads one object.
func object(t testing.TB, text string) *manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("a.yaml", []byte(text))
	if len(objects) != 1 {
		t.Fatalf("%d objects: %v", len(objects), problems)
	}
	return objects[0]
}

// toYAML writes an object for messages.
func toYAML(t testing.TB, u *unstructured.Unstructured) string {
	t.Helper()
	return string(must[[]byte](t)(yaml.Marshal(u.Object)))
}

// kindOf looks up the kind of an object.
func kindOf(t testing.TB, c *Cluster, o *manifest.Object) Kind {
	t.Helper()
	return must[Kind](t)(c.Kind(t.Context(), o.GroupVersionKind()))
}
