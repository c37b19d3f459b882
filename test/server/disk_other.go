//go:build !linux

package server

import "errors"

// Disk is a file system of its own; there is none on systems that cannot mount one in
// memory.
type Disk struct{}

// MountDisk is an error here.
func MountDisk(string) (*Disk, error) { return nil, errors.ErrUnsupported }

// CanMount reports whether file systems can be mounted here.
func CanMount() bool { return false }

// Unmount is an error here.
func (*Disk) Unmount() error { return errors.ErrUnsupported }

// Free is an error here.
func (*Disk) Free() error { return errors.ErrUnsupported }

// Fill is an error here.
func (*Disk) Fill() error { return errors.ErrUnsupported }
