package live

import (
	"context"
	"io"
	"net/http"
	"path"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// line is a connection to the API server that counts lists, and can lose the events of
// watches.
type line struct {
	next  http.RoundTripper
	lists atomic.Int32

	mu      sync.Mutex
	watches []*watchBody
	accepts map[string]string // the content types that the client accepts, by the path of the watch
}

// onLine returns a line to the cluster, and a configuration that uses it.
func onLine() (*line, *rest.Config) {
	l := &line{accepts: map[string]string{}}
	config := rest.CopyConfig(running.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		l.next = next
		return l
	})
	return l, config
}

func (l *line) RoundTrip(request *http.Request) (*http.Response, error) {
	watch := request.URL.Query().Get("watch") != ""
	if !watch && request.URL.Query().Get("labelSelector") != "" {
		l.lists.Add(1)
	}
	response, err := l.next.RoundTrip(request)
	if err == nil && watch {
		body := &watchBody{ReadCloser: response.Body}
		response.Body = body
		l.mu.Lock()
		l.watches = append(l.watches, body)
		l.accepts[path.Base(request.URL.Path)] = request.Header.Get("Accept")
		l.mu.Unlock()
	}
	return response, err
}

func (l *line) accepted(resource string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepts[resource]
}

// lose makes the existing watches lose all events from now on.
func (l *line) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, watch := range l.watches {
		watch.deaf.Store(true)
	}
}

type watchBody struct {
	io.ReadCloser
	deaf atomic.Bool
}

func (b *watchBody) Read(p []byte) (int, error) {
	for {
		n, err := b.ReadCloser.Read(p)
		if err != nil || !b.deaf.Load() {
			return n, err
		}
	}
}

func TestFreshFindsWhatTheWatchLost(t *testing.T) {
	l, config := onLine()
	f := newFixtureOn(t, "live-lost", config)
	f.index.lossy = 100 * time.Millisecond
	left := printOf(f.apply("1"))
	f.await("the object is made", func(e Event) bool { return e.Entry.Fingerprint == left })

	l.lose()
	f.edit(func(u *unstructured.Unstructured) { _ = unstructured.SetNestedField(u.Object, "2", "data", "a") })
	f.fresh(time.Now())
	if entry, _ := f.index.Get(f.id()); entry.Fingerprint == left {
		t.Fatal("a change that the watch has lost is not found by a list")
	}
	f.await("the change is told", func(e Event) bool { return e.Entry.Fingerprint != left && !e.Deleted })

	f.delete()
	f.await("the watch, begun anew, tells of the deletion", func(e Event) bool { return e.Deleted })
	if watch := f.watch(); watch.Restarts == 0 {
		t.Errorf("the watch was not started again: %+v", watch)
	}
}

func TestFreshFindsALostDeletion(t *testing.T) {
	l, config := onLine()
	f := newFixtureOn(t, "live-lost-deletion", config)
	f.apply("1")
	f.await("the object is made", func(e Event) bool { return !e.Deleted })
	l.lose()
	f.delete()
	f.fresh(time.Now())
	f.await("the deletion is told", func(e Event) bool { return e.Deleted })
	if entry, ok := f.index.Get(f.id()); ok {
		t.Errorf("the deleted object is still in the index: %+v", entry)
	}
}

func TestFreshIsShared(t *testing.T) {
	l, config := onLine()
	f := newFixtureOn(t, "live-shared", config)
	before, moment := l.lists.Load(), time.Now()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { f.fresh(moment) })
	}
	all.Wait()
	f.fresh(moment)
	if n := l.lists.Load() - before; n != 1 {
		t.Errorf("51 checks that were due at the same time made %d lists", n)
	}
	f.fresh(time.Now())
	if n := l.lists.Load() - before; n != 2 {
		t.Errorf("a check that is due later makes no list of its own: %d", n)
	}
}

func TestMergeKeepsWhatIsNewerThanTheList(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	gk := groupKind{Kind: "ConfigMap"}
	entry := func(name, version string) Entry {
		e := Entry{PartOf: "set", ResourceVersion: version}
		e.ID.Kind, e.ID.Name = "ConfigMap", name
		return e
	}
	for _, e := range []Entry{entry("changed-since", "12"), entry("made-since", "12"), entry("deleted-before", "5"), entry("behind", "5")} {
		x.put(e)
	}
	gone := entry("deleted-since", "").ID
	behind := x.merge(gk, snapshot{
		version: "10",
		entries: []Entry{entry("changed-since", "3"), entry("deleted-since", "4"), entry("behind", "7")},
		deleted: map[manifest.ID]string{gone: "11"},
	})
	for name, want := range map[string]string{"changed-since": "12", "made-since": "12", "deleted-before": "", "deleted-since": "", "behind": "7"} {
		if got, _ := x.Get(entry(name, "").ID); got.ResourceVersion != want {
			t.Errorf("%s is at version %q, want %q", name, got.ResourceVersion, want)
		}
	}
	if len(behind) != 2 {
		t.Errorf("the watch is behind for %v, want two objects", behind)
	}
}

func (f *fixture) fresh(moment time.Time) {
	if err := f.index.Fresh(f.Context(), moment, f.maps); err != nil {
		f.Error(err)
	}
}

func (f *fixture) delete() {
	f.Helper()
	client := f.cluster.Dynamic().Resource(f.maps.Resource).Namespace(f.namespace)
	if err := client.Delete(context.WithoutCancel(f.Context()), "web", metav1.DeleteOptions{}); err != nil {
		f.Fatal(err)
	}
}

// watch returns the state of the watch of ConfigMaps.
func (f *fixture) watch() Watch {
	for _, watch := range f.index.Watches() {
		if watch.Kind == "ConfigMap" {
			return watch
		}
	}
	return Watch{}
}
