package server

import (
	"errors"
	"testing"
	"time"
)

func TestTheDiskIsNotTriedAtWill(t *testing.T) {
	full := errors.New("no space left on device")
	tries := 0
	disk := remembered{ask: func() error {
		tries++
		return full
	}}
	now := time.Now()
	for range 5 {
		if err := disk.state(now); !errors.Is(err, full) {
			t.Errorf("the disk is %v", err)
		}
	}
	if tries != 1 {
		t.Errorf("five probes of one moment tried the disk %d times", tries)
	}
	full = nil
	if err := disk.state(now.Add(diskFor)); err != nil || tries != 2 {
		t.Errorf("after %s: %v, %d tries", diskFor, err, tries)
	}
}
