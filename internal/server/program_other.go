//go:build !linux

package server

// releaseProgram does nothing: other systems do not count a program's file this way.
func releaseProgram() (released int) { return 0 }

// programBytes returns 0, see releaseProgram.
func programBytes() int64 { return 0 }
