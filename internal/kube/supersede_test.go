package kube

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/name"
)

func TestLaterEpochSupersedes(t *testing.T) {
	there := Parent{Server: "mine", Epoch: 8, uid: "u"}
	for name, test := range map[string]struct {
		there, other Parent
		want         bool
	}{
		"a later epoch of this server": {there, Parent{Server: "mine", Epoch: 7}, true},
		"this epoch":                   {there, Parent{Server: "mine", Epoch: 8}, false},
		"an earlier epoch":             {there, Parent{Server: "mine", Epoch: 9}, false},
		"of before there were epochs":  {Parent{Server: "mine", uid: "u"}, Parent{Server: "mine", Epoch: 1}, false},
		"another server":               {there, Parent{Server: "theirs", Epoch: 7}, false},
		"servers without ids":          {Parent{Epoch: 8, uid: "u"}, Parent{Epoch: 7}, false},
		"one that is not there":        {Parent{Server: "mine", Epoch: 8}, Parent{Server: "mine", Epoch: 7}, false},
	} {
		if got := test.there.Supersedes(test.other); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestStaleServersWriteNoParent: two servers with one id write an app's inventory, each
// over the version that it has read.
func TestStaleServersWriteNoParent(t *testing.T) {
	c := open(t)
	if err := c.EnsureSystemNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	app := name.App("superseded-" + run)
	first := Parent{App: app, Repository: "store", Server: "mine", Epoch: 7, Kinds: NewGroupKinds(schema.GroupKind{Kind: "Secret"})}
	seen := must[Parent](t)(c.WriteParent(t.Context(), NewParent(app, "store"), first))

	second := first
	second.Epoch = 8
	stored := must[Parent](t)(c.WriteParent(t.Context(), seen, second)) // another epoch alone is a difference
	read := must[Parent](t)(c.ReadParent(t.Context(), app, "store"))
	if read.Epoch != 8 || stored.Epoch != 8 || read.version != stored.version {
		t.Fatalf("stored %+v, read %+v", stored, read)
	}

	first.Namespaces = NewNamespaces("shop")
	_, err := c.WriteParent(t.Context(), seen, first)
	if superseded, ok := errors.AsType[*SupersededError](err); !ok || superseded.Epoch != 8 || superseded.Own != 7 {
		t.Errorf("the first server wrote over the second: %v", err)
	}
	if again := must[Parent](t)(c.ReadParent(t.Context(), app, "store")); again.version != read.version {
		t.Errorf("something was written: %+v", again)
	}

	// A change or deletion by hand does not count as a later epoch: the server writes its
	// own version.
	edited := stored
	edited.Epoch, edited.Namespaces = 0, NewNamespaces("elsewhere")
	must[Parent](t)(c.WriteParent(t.Context(), stored, edited))
	second.Namespaces = NewNamespaces("shop")
	stored = must[Parent](t)(c.WriteParent(t.Context(), stored, second))
	if err := c.DeleteParent(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	second.Namespaces = NewNamespaces("blog")
	stored = must[Parent](t)(c.WriteParent(t.Context(), stored, second))
	if read := must[Parent](t)(c.ReadParent(t.Context(), app, "store")); !read.Equal(second) || read.Epoch != 8 || read.version != stored.version {
		t.Errorf("made anew as %+v", read)
	}
	if err := c.DeleteParent(t.Context(), stored); err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}
