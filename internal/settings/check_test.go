package settings

import "testing"

func TestProfilesAreForThisMachineOnly(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:6060":   true,
		"127.8.9.1:0":      true,
		"[::1]:6060":       true,
		"localhost:6060":   true,
		":6060":            false,
		"0.0.0.0:6060":     false,
		"[::]:6060":        false,
		"192.0.2.1:6060":   false,
		"example.org:6060": false,
		"127.0.0.1":        false,
	} {
		if err := CheckLoopback(address); (err == nil) != ok {
			t.Errorf("%s: %v, want it taken: %v", address, err, ok)
		}
	}
}
