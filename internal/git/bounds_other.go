//go:build !linux

package git

// impose and lift: only Linux can limit another process. Elsewhere, only the time
// without a byte from the client limits Git.
func (Bounds) impose(int) error { return nil }

func lift(int) error { return nil }
