//go:build !linux || !(amd64 || arm64)

package worker

import "errors"

func canIsolate() bool { return false }
func canFilter() bool  { return false }

func deniedCalls() []uint32 { return nil }

func call([]string) (string, error) { return "", errors.ErrUnsupported }

func refuseNamespaces() error { return nil }
