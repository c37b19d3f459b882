//go:build !linux

package git

// impose and lift: only Linux can limit another process. Elsewhere the time without
// a byte of the client's is all that bounds Git.
func (Bounds) impose(int) error { return nil }

func lift(int) error { return nil }
