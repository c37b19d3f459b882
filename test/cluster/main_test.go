package cluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// patience bounds the waits of a test. It is much longer than they take.
const patience = 3 * time.Minute

// parentEnv makes the test binary start a devcluster in the named directory, and wait until
// it is killed; see TestEndsWithItsParent.
const parentEnv = "CLUSTER_TEST_PARENT"

// shared is the devcluster of all tests that do not stop it.
var shared struct {
	once    sync.Once
	dir     string
	cluster *Cluster
	err     error
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		beParent(dir)
		return
	}
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// client returns a client of the shared cluster.
func client(t *testing.T) kubernetes.Interface {
	t.Helper()
	shared.once.Do(startShared)
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return clientOf(t, shared.cluster)
}

// startShared starts a cluster that TestMain stops, since it outlives the test that needs
// it first.
func startShared() {
	if shared.dir, shared.err = os.MkdirTemp("", "cluster-test-"); shared.err != nil {
		return
	}
	shared.cluster, shared.err = StartDevcluster(context.Background(), shared.dir, Options{})
}

func clientOf(t *testing.T, c *Cluster) kubernetes.Interface {
	t.Helper()
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// start runs a devcluster for one test.
func start(t *testing.T, dir string, opts Options) *Cluster {
	t.Helper()
	c, err := StartDevcluster(context.WithoutCancel(t.Context()), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// space is a namespace of one test.
type space struct {
	client kubernetes.Interface
	name   string
}

// newSpace makes a namespace in the shared cluster. It is deleted with the cluster.
func newSpace(t *testing.T) *space {
	t.Helper()
	client := client(t)
	made, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &space{client: client, name: made.Name}
}

// await watches the objects of list until done is true of an existing one.
func await[T runtime.Object](t *testing.T, list *cache.ListWatch, kind T, done func(T) bool) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last T
	_, err := watchtools.UntilWithSync(ctx, list, kind, nil, func(event watch.Event) (bool, error) {
		object, ok := event.Object.(T)
		if !ok || event.Type == watch.Deleted {
			return false, nil
		}
		last = object
		return done(object), nil
	})
	if err != nil {
		t.Fatalf("wait for %T: %v; last seen: %+v", kind, err, last)
	}
	return last
}

// awaitNone watches the objects of list until none exists.
func awaitNone[T runtime.Object](t *testing.T, list *cache.ListWatch, kind T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	left := map[string]bool{}
	none := func(store cache.Store) (bool, error) {
		for _, key := range store.ListKeys() {
			left[key] = true
		}
		return len(left) == 0, nil
	}
	_, err := watchtools.UntilWithSync(ctx, list, kind, none, func(event watch.Event) (bool, error) {
		key, err := cache.MetaNamespaceKeyFunc(event.Object)
		if err != nil {
			return false, err
		}
		if event.Type == watch.Deleted {
			delete(left, key)
		} else {
			left[key] = true
		}
		return len(left) == 0, nil
	})
	if err != nil {
		t.Fatalf("wait for no %T: %v; left: %v", kind, err, left)
	}
}
