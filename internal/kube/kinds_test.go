package kube

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A look-up waits for a known kind that is missing, but only once: a deleted definition
// must not slow down every later look-up.
func TestKindsThatWereServed(t *testing.T) {
	widget := schema.GroupKind{Group: "example.org", Kind: "Widget"}
	k := newKinds(nil, nil)
	if k.hadOnce(widget, false) {
		t.Error("a kind that was never served is waited for")
	}
	k.had[widget] = true
	if !k.hadOnce(widget, false) {
		t.Error("a kind that was served is not waited for")
	}
	if k.hadOnce(widget, true) || k.hadOnce(widget, false) {
		t.Error("a kind that did not come back is waited for again")
	}
}
