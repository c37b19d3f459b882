package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Notice is what an Event of Kubernetes says about an object.
type Notice struct {
	APIVersion, Kind, Namespace, Name string // of the object
	UID                               types.UID
	Warning                           bool   // somebody should look at it
	Reason                            string // one word in CamelCase
	Action                            string // likewise: what the server does
	Note                              string // for people
	Time                              time.Time
}

// maxNote bounds the text of an Event, in bytes; the API server takes 1,024.
const maxNote = 1000

// events is the kind of Events.
var events = Kind{
	GVK:        schema.GroupVersionKind{Group: "events.k8s.io", Version: "v1", Kind: "Event"},
	Resource:   schema.GroupVersionResource{Group: "events.k8s.io", Version: "v1", Resource: "events"},
	Namespaced: true,
}

// Announce makes an Event, as the server itself, whoever asks. It returns the Event's name.
func (c *Cluster) Announce(ctx context.Context, n Notice, reporter string) (name string, err error) {
	made, err := c.own().Create(ctx, events, n.event(reporter), false)
	if err != nil {
		return "", err
	}
	return made.GetName(), nil
}

// At is the namespace of the Event: that of the object, and of an object without one
// "default", as Kubernetes wants it. That of a Namespace is in itself, so that it is seen
// there.
func (n Notice) At() string {
	if n.Kind == "Namespace" {
		return n.Name
	}
	return cmp.Or(n.Namespace, metav1.NamespaceDefault)
}

// event writes the notice as an Event.
func (n Notice) event(reporter string) *unstructured.Unstructured {
	kind := "Normal"
	if n.Warning {
		kind = "Warning"
	}
	regarding := map[string]any{"apiVersion": n.APIVersion, "kind": n.Kind, "name": n.Name}
	if at := n.At(); n.Namespace != "" || n.Kind == "Namespace" { // the API server wants it to be that of the Event
		regarding["namespace"] = at
	}
	if n.UID != "" {
		regarding["uid"] = string(n.UID)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": events.GVK.GroupVersion().String(), "kind": events.GVK.Kind,
		"metadata":  map[string]any{"generateName": "pushboat-", "namespace": n.At()},
		"regarding": regarding, "type": kind, "reason": n.Reason, "action": n.Action, "note": shorten(n.Note, maxNote),
		"eventTime": microTime(n.Time), "reportingController": "pushboat", "reportingInstance": reporter,
	}}
}

// AnnounceAgain says in an Event that its notice holds again: for how many times in all, and
// when last.
func (c *Cluster) AnnounceAgain(ctx context.Context, n Notice, name string, times int) error {
	patch, err := json.Marshal(map[string]any{"series": map[string]any{"count": times, "lastObservedTime": microTime(n.Time)}})
	if err != nil {
		return fmt.Errorf("encode the event %s: %w", name, err)
	}
	objects, err := c.own().Objects(events, n.At())
	if err != nil {
		return err
	}
	_, err = objects.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
	return c.own().wrapFor(ctx, events, "patch", err)
}

func microTime(t time.Time) string { return t.UTC().Format(metav1.RFC3339Micro) }
