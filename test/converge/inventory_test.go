package converge

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// inventories follows the epochs on the inventories of apps. None may decrease, for then an
// earlier server would have overwritten what a later one wrote.
type inventories struct {
	mu     sync.Mutex
	epochs map[string]int64 // by name of the inventory
	errs   []error
	events int
}

// see notes the epoch of an inventory.
func (v *inventories) see(name string, epoch int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if was := v.epochs[name]; epoch < was {
		v.errs = append(v.errs, fmt.Errorf("the inventory %s went back from epoch %d to %d", name, was, epoch))
	}
	v.epochs[name] = epoch
	v.events++
}

// wrong returns an error if an epoch has decreased.
func (v *inventories) wrong() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return errors.Join(v.errs...)
}

// follow watches all inventories until ctx ends. It continues after interruptions of the
// API server.
func (v *inventories) follow(ctx context.Context, client dynamic.Interface) {
	secrets := client.Resource(kinds["Secret"].resource).Namespace("pushboat-system")
	for ctx.Err() == nil {
		list, err := secrets.List(ctx, metav1.ListOptions{})
		if err == nil {
			for i := range list.Items {
				v.read(&list.Items[i])
			}
			v.watch(ctx, secrets, list.GetResourceVersion())
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery):
		}
	}
}

func (v *inventories) watch(ctx context.Context, secrets dynamic.ResourceInterface, from string) {
	events, err := secrets.Watch(ctx, metav1.ListOptions{ResourceVersion: from})
	if err != nil {
		return
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if o, ok := event.Object.(*unstructured.Unstructured); ok && event.Type != watch.Deleted {
			v.read(o)
		}
	}
}

// read notes the epoch of an object, if it is an inventory.
func (v *inventories) read(o *unstructured.Unstructured) {
	epoch, err := strconv.ParseInt(o.GetAnnotations()["pushboat/epoch"], 10, 64)
	if strings.HasPrefix(o.GetName(), "pushboat-app-") && err == nil {
		v.see(o.GetName(), epoch)
	}
}
