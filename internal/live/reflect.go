package live

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// newReflector makes the client-go loop that lists and watches the kind: in one
// streamed request where the API server supports it, else in a list of pages and a
// watch. For kinds whose health needs no body it asks only for metadata, so that no
// Secret's value reaches the server.
func (f *follow) newReflector() *cache.Reflector {
	listWatch, expected := f.bodies()
	if !f.index.needsBody(f.gk()) {
		listWatch, expected = f.metadata()
	}
	return cache.NewReflectorWithOptions(listWatch, expected, &store{follow: f},
		cache.ReflectorOptions{Name: "live", TypeDescription: f.target().GVK.Kind, Backoff: &wait.Backoff{
			Duration: retryMin, Factor: 2, Jitter: 0.5, Steps: retrySteps, Cap: retryMax,
		}})
}

// bodies lists and watches whole objects.
func (f *follow) bodies() (*cache.ListWatch, runtime.Object) {
	objects, err := f.index.cluster.Objects(f.target(), "")
	if err != nil {
		return unaddressed(f, err), &unstructured.Unstructured{}
	}
	return listWatch(f, objects.List, objects.Watch), &unstructured.Unstructured{}
}

// metadata lists and watches the metadata of objects.
func (f *follow) metadata() (*cache.ListWatch, runtime.Object) {
	objects, err := f.index.cluster.MetadataOf(f.target())
	if err != nil {
		return unaddressed(f, err), &metav1.PartialObjectMetadata{}
	}
	return listWatch(f, objects.List, objects.Watch), &metav1.PartialObjectMetadata{}
}

// unaddressed is the listWatch of a kind for which no path can be built.
func unaddressed(f *follow, err error) *cache.ListWatch {
	return listWatch(f,
		func(context.Context, metav1.ListOptions) (runtime.Object, error) { return nil, err },
		func(context.Context, metav1.ListOptions) (watch.Interface, error) { return nil, err })
}

// listWatch selects the objects that belong to an ApplySet, and notes the result of
// each request.
func listWatch[L runtime.Object](
	f *follow,
	list func(context.Context, metav1.ListOptions) (L, error),
	begin func(context.Context, metav1.ListOptions) (watch.Interface, error),
) *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			found, err := list(ctx, selecting(options))
			f.see(err)
			return found, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			watched, err := begin(ctx, selecting(options))
			f.see(err)
			return watched, err
		},
	}
}

// store receives objects from a reflector, and passes on only entries.
type store struct{ follow *follow }

var (
	_ cache.TransformingStore      = (*store)(nil)
	_ cache.ResourceVersionUpdater = (*store)(nil)
)

// seen is an entry on its way through the reflector, which needs the object's name.
type seen struct {
	metav1.ObjectMeta
	entry Entry
}

// Transformer reduces the objects of the first list one by one as they arrive, so that
// a kind with thousands of objects is never in memory as a whole.
func (s *store) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		entry, ok := s.follow.entryOf(obj)
		if !ok {
			return obj, nil
		}
		return &seen{metav1.ObjectMeta{Namespace: entry.ID.Namespace, Name: entry.ID.Name}, entry}, nil
	}
}

// Add enters an object.
func (s *store) Add(obj any) error { return s.Update(obj) }

// Resync does nothing.
func (s *store) Resync() error { return nil }

// Update enters an object.
func (s *store) Update(obj any) error {
	if entry, ok := s.follow.known(obj); ok {
		s.follow.arrived(entry)
		return nil
	}
	if entry, ok := s.follow.entryOf(obj); ok {
		s.follow.arrived(entry)
		s.follow.index.put(entry)
	}
	return nil
}

// Delete removes an object: it is gone, or has lost its label.
func (s *store) Delete(obj any) error {
	if entry, ok := s.follow.entryOf(obj); ok {
		s.follow.sawDeletion(entry)
		s.follow.index.drop(entry)
	}
	return nil
}

// Replace takes over the initial list of a watch.
func (s *store) Replace(list []any, _ string) error {
	entries := make([]Entry, 0, len(list))
	for _, obj := range list {
		if entry, ok := s.follow.entryOf(obj); ok {
			entries = append(entries, entry)
		}
	}
	s.follow.began()
	s.follow.index.replace(s.follow.gk(), entries)
	select {
	case <-s.follow.synced:
	default:
		close(s.follow.synced)
	}
	return nil
}

// UpdateResourceVersion is called after each event, including bookmarks.
func (s *store) UpdateResourceVersion(string) { s.follow.told() }
