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
		t.Errorf("%q from an empty log", got)
	}
}

func TestEachLineIsBoundedAndClean(t *testing.T) {
	long := strings.Repeat("x", 3*maxReadLine)
	var got []string
	err := eachLine(strings.NewReader("one\r\n\n\ttabbed\nred \x1b[31m\xff\n"+long+"\nlast"), func(line string) { got = append(got, line) })
	if err != nil || len(got) != 6 || got[0] != "one" || got[1] != "" || got[2] != "\ttabbed" || got[5] != "last" {
		t.Fatalf("%.200q, %v", got, err)
	}
	if got[3] != `red \x1b[31m?` {
		t.Errorf("%q reaches the terminal", got[3])
	}
	if len(got[4]) != maxReadLine+3 {
		t.Errorf("a line of %d bytes is shown", len(got[4]))
	}
}
