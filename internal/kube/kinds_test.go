package kube

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestKindsThatWereServed: a look-up waits for a known kind that is missing, but only once.
// Otherwise a deleted definition would slow down every later look-up.
func TestKindsThatWereServed(t *testing.T) {
	widget := schema.GroupKind{Group: "example.org", Kind: "Widget"}
	k := newKinds(nil, nil)
	if k.hadOnce(widget, false) {
		t.Error("a look-up waits for a kind that was never served")
	}
	k.had[widget] = true
	if !k.hadOnce(widget, false) {
		t.Error("a look-up does not wait for a kind that was served")
	}
	if k.hadOnce(widget, true) || k.hadOnce(widget, false) {
		t.Error("a look-up waits again for a kind that did not come back")
	}
}
