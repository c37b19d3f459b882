package rulebook

// OnTake has a function called whenever other rules have come in force. Call it before the
// first push.
func (b *Book) OnTake(f func()) { b.taken = f }

// tellTaken tells that other rules are in force.
func (b *Book) tellTaken() {
	if b.taken != nil {
		b.taken()
	}
}
