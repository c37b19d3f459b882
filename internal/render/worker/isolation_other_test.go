//go:build !linux

package worker

func canIsolate() bool { return false }
func canFilter() bool  { return false }
