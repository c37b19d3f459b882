package live

import "github.com/pushboat/pushboat/internal/manifest"

// Whoever has looked at all objects of an ApplySet once need not do so again: it is told
// which of them have changed since. Of ten thousand that is one, mostly.

// changes number the changes of the entries of one ApplySet, and keep the newest.
type changes struct {
	first uint64        // the number of the first that is kept
	ids   []manifest.ID // whose entries came, changed or went, in this order
}

// keptShare is which part of an ApplySet may have changed for the changes to be kept: to
// look at as many one by one is then no faster than to look at all.
const keptShare = 4

// next is the number of the change that comes next.
func (c *changes) next() uint64 { return c.first + uint64(len(c.ids)) }

// add adds a change of an ApplySet that has so many objects.
func (c *changes) add(id manifest.ID, members int) {
	if len(c.ids) > members/keptShare {
		c.first, c.ids = c.next(), nil
	}
	c.ids = append(c.ids, id)
}

// noteChangeLocked notes that the entry of an object of an ApplySet came, changed or went.
func (x *Index) noteChangeLocked(entry *Entry) {
	if x.changes[entry.PartOf] == nil {
		x.changes[entry.PartOf] = &changes{} // it stays: a number of a change is never given twice
	}
	x.changes[entry.PartOf].add(entry.ID, len(x.members[entry.PartOf]))
}

// ChangedSince returns the objects of an ApplySet whose entries came, changed or went since
// the change of a number, perhaps more than once, and the number to ask with the next time.
// ok is false if that is not known any more, or the number is of no use: any may have.
func (x *Index) ChangedSince(partOf string, number uint64) (ids []manifest.ID, next uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := x.changes[partOf]
	if c == nil {
		return nil, 0, number == 0
	}
	if number < c.first || number > c.next() {
		return nil, c.next(), false
	}
	return c.ids[number-c.first : len(c.ids) : len(c.ids)], c.next(), true
}
