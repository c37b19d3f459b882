package kube

import (
	"cmp"
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	selectors "k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Occurrence is an Event of Kubernetes about an object, as somebody else has written it.
type Occurrence struct {
	Time    time.Time // when it happened last
	Warning bool
	Reason  string // one word
	Note    string // for people
	By      string // the controller that tells of it
	Times   int    // how often it happened
}

// maxOccurrences bounds the Events that are read of one object.
const maxOccurrences = 200

// coreEvents is the kind of Events as selectors know them: by the object that they are about.
var coreEvents = Kind{
	GVK:        schema.GroupVersionKind{Version: "v1", Kind: "Event"},
	Resource:   schema.GroupVersionResource{Version: "v1", Resource: "events"},
	Namespaced: true,
}

// Occurrences reads the Events about an object, newest first. They are in the object's
// namespace; those of an object without one are in "default".
func (c *Cluster) Occurrences(ctx context.Context, id manifest.ID) ([]Occurrence, error) {
	at := Notice{Kind: id.Kind, Namespace: id.Namespace, Name: id.Name}.At()
	events, err := c.Objects(coreEvents, at)
	if err != nil {
		return nil, err
	}
	about := selectors.Set{"involvedObject.kind": id.Kind, "involvedObject.name": id.Name, "involvedObject.namespace": id.Namespace}
	list, err := events.List(ctx, metav1.ListOptions{FieldSelector: about.AsSelector().String(), Limit: maxOccurrences})
	if err != nil {
		return nil, c.wrap("list the events of "+id.String(), err)
	}
	found := make([]Occurrence, 0, len(list.Items))
	for i := range list.Items {
		if u := &list.Items[i]; isAbout(u, id) {
			found = append(found, occurrenceOf(u))
		}
	}
	slices.SortStableFunc(found, func(a, b Occurrence) int { return b.Time.Compare(a.Time) })
	return found, nil
}

// isAbout reports whether an Event is about an object of the same group: selectors do not
// tell groups apart.
func isAbout(event *unstructured.Unstructured, id manifest.ID) bool {
	version, _, _ := unstructured.NestedString(event.Object, "involvedObject", "apiVersion")
	parsed, err := schema.ParseGroupVersion(version)
	return version == "" || err == nil && parsed.Group == id.Group
}

// occurrenceOf reads an Event. Its fields depend on the age of the program that wrote it.
func occurrenceOf(event *unstructured.Unstructured) Occurrence {
	text := func(path ...string) string {
		found, _, _ := unstructured.NestedString(event.Object, path...)
		return found
	}
	number := func(path ...string) int {
		found, _, _ := unstructured.NestedInt64(event.Object, path...)
		return int(found)
	}
	o := Occurrence{
		Warning: text("type") == "Warning", Reason: text("reason"), Note: text("message"),
		By:    cmp.Or(text("reportingComponent"), text("source", "component")),
		Times: max(number("series", "count"), number("count"), 1),
	}
	for _, moment := range []string{
		text("series", "lastObservedTime"), text("lastTimestamp"), text("eventTime"), text("metadata", "creationTimestamp"),
	} {
		if at, err := time.Parse(time.RFC3339Nano, moment); err == nil {
			o.Time = at
			break
		}
	}
	return o
}
