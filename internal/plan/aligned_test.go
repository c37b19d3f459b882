package plan

import (
	"slices"
	"testing"
)

func TestAligned(t *testing.T) {
	values := make([]int, 3*alignedWithin)
	member := func(i int) *int { return &values[i] }
	var list []*int
	for i := range values {
		list = append(list, member(i))
	}
	a := aligned[int]{list: list}
	find := func(i int) bool {
		at, found := a.find(member(i))
		return found && at == i
	}
	other := 0
	if !find(0) || !find(1) || find(1) {
		t.Error("members that come one after the other are not found, or twice")
	}
	if _, found := a.find(&other); found || !find(2) {
		t.Error("a new member keeps those after it from being found")
	}
	if !find(2 + alignedWithin) {
		t.Error("members that are gone keep those after them from being found")
	}
	if find(3 + 2*alignedWithin) {
		t.Error("more members are passed over than are to be")
	}
	if !find(3 + alignedWithin) {
		t.Error("what is not found keeps others from being found")
	}
	if _, found := (&aligned[int]{}).find(member(0)); found {
		t.Error("something is in nothing")
	}
}

func TestDistinct(t *testing.T) {
	var d distinct[int]
	var want []int
	for i := range 3 * fewDistinct {
		for range 2 {
			d.add(i % 40)
			d.add(i / 2)
		}
		for _, n := range []int{i % 40, i / 2} {
			if !slices.Contains(want, n) {
				want = append(want, n)
			}
		}
	}
	if !slices.Equal(d.list, want) {
		t.Errorf("collected are %v, want %v", d.list, want)
	}
}
