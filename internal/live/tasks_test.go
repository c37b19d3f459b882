package live

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/owner"
)

// TestNothingGoesOnAfterWait: Wait returns when watches, lists and delayed tasks have
// ended, and no task begins after that.
func TestNothingGoesOnAfterWait(t *testing.T) {
	c := unasked(t)
	ctx, cancel := context.WithCancel(t.Context())
	x := New(ctx, c, owner.DefaultTools, quiet())
	maps, err := c.KindOf(t.Context(), schema.GroupKind{Kind: "ConfigMap"})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Fresh(t.Context(), time.Now(), maps); err != nil {
		t.Fatal(err)
	}
	x.later(time.Hour, func() { t.Error("called after the end") })
	cancel()
	ended := make(chan struct{})
	go func() {
		x.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatalf("not ended after %s", patience)
	}
	if err := x.Follow(t.Context(), maps); !errors.Is(err, context.Canceled) {
		t.Errorf("follow after the end: %v", err)
	}
	list := x.follow(maps).fresh(time.Now())
	if <-list.done; !errors.Is(list.err, context.Canceled) {
		t.Errorf("a list after the end: %v", list.err)
	}
	if x.tasks.begin(func() { t.Error("begun after the end") }) {
		t.Error("begin reports a task as begun after the end")
	}
}
