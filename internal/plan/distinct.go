package plan

import "slices"

// distinct collects values, each once, in the order in which they come. The zero value is
// empty.
type distinct[T comparable] struct {
	list []T
	seen map[T]struct{} // once there are many
}

// fewDistinct is how many values are compared one by one: that is faster than a map for
// the kinds of an app.
const fewDistinct = 16

// add adds a value, and reports whether it is new.
func (d *distinct[T]) add(value T) bool {
	if d.has(value) {
		return false
	}
	d.list = append(d.list, value)
	if d.seen != nil {
		d.seen[value] = struct{}{}
	}
	if len(d.list) == fewDistinct {
		d.seen = make(map[T]struct{}, 2*fewDistinct)
		for _, known := range d.list {
			d.seen[known] = struct{}{}
		}
	}
	return true
}

func (d *distinct[T]) has(value T) bool {
	if d.seen != nil {
		_, ok := d.seen[value]
		return ok
	}
	return slices.Contains(d.list, value)
}
