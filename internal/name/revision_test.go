package name

import (
	"strings"
	"testing"
)

func TestParseRevision(t *testing.T) {
	const ok = "0123456789abcdef0123456789abcdef01234567"
	for _, in := range []string{ok, ok + ok[:24]} {
		if r, err := ParseRevision(in); err != nil || string(r) != in || r.Short() != "0123456" {
			t.Errorf("ParseRevision(%q) = %q, %v", in, r, err)
		}
	}
	for _, in := range []string{
		"", "HEAD", ok[:39], ok + "0", strings.ToUpper(ok), "--output=/etc/passwd" + ok[:20], ok[:39] + "\n",
		strings.Repeat("x", 1<<20),
	} {
		if r, err := ParseRevision(in); err == nil || len(err.Error()) > 1000 {
			t.Errorf("ParseRevision(%.40q) = %q, %.300v", in, r, err)
		}
	}
	if short := Revision("").Short(); short != "" {
		t.Errorf("no revision is shown as %q", short)
	}
}
