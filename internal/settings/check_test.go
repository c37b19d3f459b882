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
			t.Errorf("%s: %v, want it accepted: %v", address, err, ok)
		}
	}
}

func TestRelaysAreReachedByOthers(t *testing.T) {
	for address, ok := range map[string]bool{
		"10.0.0.7:2223":        true,
		"[10.0.0.7]:2223":      true, // in the chart's form, for either family
		"[2001:db8::1]:2223":   true,
		"127.0.0.1:0":          true,
		":2223":                false,
		"0.0.0.0:2223":         false,
		"[::]:2223":            false,
		"git.example.org:2223": false,
		"10.0.0.7":             false,
		"2001:db8::1:2223":     false,
	} {
		if err := checkRelay(address); (err == nil) != ok {
			t.Errorf("%s: %v, want it accepted: %v", address, err, ok)
		}
	}
}
