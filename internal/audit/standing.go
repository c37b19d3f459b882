package audit

import "time"

// Standing is how the trail stands.
type Standing struct {
	Written time.Time // when the newest line came to the disk; zero: none has since the start
	Failing bool      // the last line could not be written
	Away    int       // targets that get no lines at the moment
}

// Standing tells how the trail stands. It reads nothing.
func (t *Trail) Standing() Standing {
	t.mu.Lock()
	s := Standing{Written: t.written, Failing: t.failing}
	t.mu.Unlock()
	s.Away = t.ships.away()
	return s
}

// away counts the targets that get no lines.
func (f *fleet) away() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range f.ships {
		if s.trouble.Load() {
			n++
		}
	}
	return n
}
