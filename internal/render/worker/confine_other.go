//go:build !linux || !(amd64 || arm64)

package worker

// confine does nothing where the numbers of the calls are not known.
func confine() error { return nil }
