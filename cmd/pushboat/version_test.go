package main

import (
	"runtime/debug"
	"testing"
)

// TestBuildIsStampedOrKnown: the values that the Makefile stamps count first, then those
// that Go records.
func TestBuildIsStampedOrKnown(t *testing.T) {
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-28T12:00:00Z"}}
	for _, tt := range []struct {
		name string
		is   build
		info debug.BuildInfo
		want build
	}{
		{"stamped", build{"v1", "def", "2026-11-01T00:00:00Z"}, debug.BuildInfo{Main: debug.Module{Version: "v2"}, Settings: settings}, build{"v1", "def", "2026-11-01T00:00:00Z"}},
		{"installed", build{}, debug.BuildInfo{Main: debug.Module{Version: "v2.0.0"}}, build{version: "v2.0.0"}},
		{"built in a clone", build{}, debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: settings}, build{commit: "abc", date: "2026-11-28T12:00:00Z"}},
		{"with changes", build{}, debug.BuildInfo{Settings: append(settings, debug.BuildSetting{Key: "vcs.modified", Value: "true"})}, build{commit: "abc, changed", date: "2026-11-28T12:00:00Z"}},
	} {
		if got := tt.is.or(&tt.info); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
