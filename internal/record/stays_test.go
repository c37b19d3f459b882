package record

import "testing"

// TestWhyObjectsStay: a record says why the objects of an app stay when it is removed, also one of
// a version that knew only prune: false.
func TestWhyObjectsStay(t *testing.T) {
	for _, noPrune := range []bool{true, false} {
		for _, why := range []string{"", "prune: false", "onRemove: keep"} {
			r := Record{NoPrune: noPrune}
			if r.StaysFor(why); r.Stays() != why {
				t.Errorf("%v, %q: %q of %+v", noPrune, why, r.Stays(), r)
			}
		}
	}
	if old := (Record{NoPrune: true}); old.Stays() != "prune: false" {
		t.Errorf("an old record: %q", old.Stays())
	}
	var usual Record
	if usual.StaysFor(""); usual.KeptFor != "" || usual.Deletes {
		t.Errorf("the usual record says more than it did: %+v", usual)
	}
}
