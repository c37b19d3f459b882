package kube

import (
	"slices"
	"strings"
	"testing"
)

func TestTailIsBoundedAndClean(t *testing.T) {
	long := strings.Repeat("x", 2*maxLogLine)
	got := tail([]byte("one\ntwo\r\nred \x1b[31m\xff\n"+long), 3)
	if len(got) != 3 || got[0] != "two" || len(got[2]) != maxLogLine+3 {
		t.Fatalf("%q", got)
	}
	if strings.Contains(got[1], "\x1b") || strings.Contains(got[1], "\xff") || !strings.HasPrefix(got[1], "red ") {
		t.Errorf("%q reaches the terminal", got[1])
	}
	if got := tail(nil, 3); !slices.Equal(got, nil) {
		t.Errorf("%q of nothing", got)
	}
}
