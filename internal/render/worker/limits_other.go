//go:build !unix

package worker

// impose does nothing where there are no resource limits.
func (l Limits) impose() error { return nil }

func (l Limits) used() bool { return false }
