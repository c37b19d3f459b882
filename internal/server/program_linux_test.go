package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// smap writes a mapping in the format of /proc/self/smaps.
func smap(head string, anonymous, swap int) string {
	return fmt.Sprintf("%s\nSize: 328 kB\nRss: 328 kB\nShared_Clean: 0 kB\nShared_Dirty: 0 kB\nPrivate_Clean: 328 kB\n"+
		"Private_Dirty: 0 kB\nAnonymous: %d kB\nSwap: %d kB\nVmFlags: rd ex mr mw me\n", head, anonymous, swap)
}

func TestUnchangedMappings(t *testing.T) {
	const program = "/usr/bin/pushboat"
	code := mapping{0x400000, 0x52000}
	for name, c := range map[string]struct {
		smaps string
		want  []mapping
	}{
		"code":            {smap("00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/pushboat", 0, 0), []mapping{code}},
		"tables":          {smap("00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/pushboat", 0, 0), []mapping{{0x651000, 0x1000}}},
		"relocated":       {smap("00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/pushboat", 4, 0), nil},
		"swapped":         {smap("00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/pushboat", 0, 4), nil},
		"data":            {smap("00652000-00655000 rw-p 00052000 08:02 173521      /usr/bin/pushboat", 0, 0), nil},
		"a guard":         {smap("00652000-00655000 ---p 00052000 08:02 173521      /usr/bin/pushboat", 0, 0), nil},
		"a library":       {smap("35b1800000-35b1820000 r-xp 00000000 08:02 135522  /usr/lib64/ld-2.15.so", 0, 0), nil},
		"no file":         {smap("7fff8b5d0000-7fff8b5d2000 r-xp 00000000 00:00 0", 0, 0), nil},
		"no counts":       {"00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/pushboat\nRss: 328 kB\n", nil},
		"after a changed": {smap("00651000-00652000 r--p 0 08:02 1 /usr/bin/pushboat", 4, 0) + smap("00400000-00452000 r-xp 0 08:02 1 /usr/bin/pushboat", 0, 0), []mapping{code}},
	} {
		if got := unchangedMappings(strings.NewReader(c.smaps), program); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %#x", name, got)
		}
	}
}

// TestReleaseProgram: the program keeps running after its pages are returned, even if it is
// linked dynamically, as with the race detector.
func TestReleaseProgram(t *testing.T) {
	if releaseProgram() == 0 {
		t.Error("no page of the program was returned")
	}
	if releaseProgram() == 0 {
		t.Error("the program's pages were not found again")
	}
}
