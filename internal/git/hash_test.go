package git

import (
	"strings"
	"testing"
)

// zero is the missing object, as Git writes it in a SHA-1 repository.
const zero Hash = "0000000000000000000000000000000000000000"

func TestParseHash(t *testing.T) {
	const ok = "0123456789abcdef0123456789abcdef01234567"
	for _, in := range []string{ok, ok + ok[:24]} {
		if h, err := ParseHash(in); err != nil || h.Short() != "0123456" || h.IsZero() {
			t.Errorf("ParseHash(%q) = %q, %v", in, h, err)
		}
	}
	for _, in := range []string{"", "HEAD", ok[:39], ok + "0", strings.ToUpper(ok), "--output=/etc/passwd" + ok[:20], ok[:39] + "\n"} {
		if _, err := ParseHash(in); err == nil {
			t.Errorf("ParseHash(%q) was accepted", in)
		}
	}
	if !zero.IsZero() || !Hash("").IsZero() {
		t.Error("the zero hash is not zero")
	}
}
