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
		t.Error("members in their order are not found, or one is found twice")
	}
	if _, found := a.find(&other); found || !find(2) {
		t.Error("after a new member, the next ones are not found")
	}
	if !find(2 + alignedWithin) {
		t.Error("after members that are gone, the next ones are not found")
	}
	if find(3 + 2*alignedWithin) {
		t.Error("more than alignedWithin members were passed over")
	}
	if !find(3 + alignedWithin) {
		t.Error("after a member that was not found, the next ones are not found")
	}
	if _, found := (&aligned[int]{}).find(member(0)); found {
		t.Error("a member was found in an empty list")
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
		t.Errorf("the collected values are %v, want %v", d.list, want)
	}
}
