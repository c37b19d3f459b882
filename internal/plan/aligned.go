package plan

// aligned is a list whose members are looked for one after the other, nearly all of them,
// and in its order: that takes no look-up in a map.
type aligned[T any] struct {
	list []*T
	at   int // of the member after the one that was found last
}

// alignedWithin is how many members are passed over at most to find the next one. More
// may have gone at once: then those after them are not found.
const alignedWithin = 64

// find returns where the member is.
func (a *aligned[T]) find(member *T) (at int, found bool) {
	for i := a.at; i < min(a.at+alignedWithin, len(a.list)); i++ {
		if a.list[i] == member {
			a.at = i + 1
			return i, true
		}
	}
	return 0, false
}
