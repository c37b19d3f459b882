package app

import "testing"

func TestProgramPages(t *testing.T) {
	for line, want := range map[string]uintptr{
		"00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/pushboat":     0x52000,
		"00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/pushboat":     0x1000,
		"00652000-00655000 rw-p 00052000 08:02 173521      /usr/bin/pushboat":     0,
		"00652000-00655000 ---p 00052000 08:02 173521      /usr/bin/pushboat":     0,
		"35b1800000-35b1820000 r-xp 00000000 08:02 135522  /usr/lib64/ld-2.15.so": 0,
		"7fff8b5d0000-7fff8b5d2000 r-xp 00000000 00:00 0   [vdso]":                0,
		"00400000-00452000 r-xp 00000000 08:02 173521":                            0,
		"": 0,
	} {
		if _, got, ok := programPages(line, "/usr/bin/pushboat"); got != want || ok != (want > 0) {
			t.Errorf("%s: got %#x, %v", line, got, ok)
		}
	}
}

// The program goes on after its pages are given back, and they are fewer then.
func TestReleaseProgram(t *testing.T) {
	if releaseProgram() == 0 {
		t.Error("no page of the program was given back")
	}
	if releaseProgram() == 0 {
		t.Error("the program's pages were not found again")
	}
}
