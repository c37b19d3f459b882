//go:build !linux

package server

import "errors"

// Disk is a separate file system. It does not exist on systems that cannot mount one in
// memory.
type Disk struct{}

// MountDisk returns an error on this system.
func MountDisk(string) (*Disk, error) { return nil, errors.ErrUnsupported }

// CanMount reports whether this system can mount a Disk.
func CanMount() bool { return false }

// Unmount returns an error on this system.
func (*Disk) Unmount() error { return errors.ErrUnsupported }

// Free returns an error on this system.
func (*Disk) Free() error { return errors.ErrUnsupported }

// Fill returns an error on this system.
func (*Disk) Fill() error { return errors.ErrUnsupported }
