package git

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func line(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }

const (
	zero40 = "0000000000000000000000000000000000000000"
	one40  = "1111111111111111111111111111111111111111"
)

func TestTalk(t *testing.T) {
	lacks := line("shallow " + one40)
	move := line(zero40 + " " + one40 + " refs/heads/main\x00 report-status atomic side-band-64k")
	plain := line(zero40 + " " + one40 + " refs/heads/main\x00 report-status agent=atomic")
	more := line(zero40 + " " + one40 + " refs/heads/shallow atomic")
	options := line("shallow plan") + line("force")
	for name, test := range map[string]struct {
		said, heard                      string
		began, shallow, commands, atomic bool
		pack                             int
	}{
		"nothing":              {},
		"up to date":           {said: "0000", heard: "0000", began: true},
		"up to date, shallow":  {said: lacks + "0000", heard: "0000", began: true, shallow: true},
		"a push":               {said: plain + more + "0000PACK\x00shallow ", heard: plain + more + "0000PACK\x00shallow ", began: true, commands: true, pack: 13},
		"push options":         {said: plain + "0000" + options + "0000PACK0000", heard: plain + "0000" + options + "0000PACK0000", began: true, commands: true, pack: 8},
		"no push options":      {said: plain + "00000000PACK", heard: plain + "00000000PACK", began: true, commands: true, pack: 4},
		"options not yet sent": {said: plain + "0000" + options, heard: plain + "0000" + options, began: true, commands: true},
		"a push of a shallow":  {said: lacks + lacks + move + "0000PACK", heard: move + "0000PACK", began: true, shallow: true, commands: true, atomic: true, pack: 4},
		"cut in a length":      {said: "00", heard: "00", began: true, pack: 2},
		"cut in a line":        {said: move[:50], heard: move[:50], began: true},
		"no line at all":       {said: "PUSH" + lacks, heard: "PUSH" + lacks, began: true, pack: 4 + len(lacks)},
		"too long":             {said: "fff1" + lacks, heard: "fff1" + lacks, began: true, pack: 4 + len(lacks)},
		"too short":            {said: "0003" + lacks, heard: "0003" + lacks, began: true, pack: 4 + len(lacks)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, reader := range []io.Reader{strings.NewReader(test.said), iotest.OneByteReader(strings.NewReader(test.said))} {
				var talk Talk
				pack := 0
				heard, err := io.ReadAll(iotest.OneByteReader(talk.listen(reader, func(n int) { pack += n })))
				if err != nil || string(heard) != test.heard {
					t.Errorf("git reads %q, %v", heard, err)
				}
				if pack != test.pack {
					t.Errorf("%d bytes were taken for the pack's, want %d", pack, test.pack)
				}
				if talk.Began() != test.began || talk.Shallow() != test.shallow || talk.Asks() != test.commands || talk.Atomic() != test.atomic {
					t.Errorf("began %v, shallow %v, asks %v, atomic %v", talk.Began(), talk.Shallow(), talk.Asks(), talk.Atomic())
				}
			}
		})
	}
}

func TestParseMove(t *testing.T) {
	when := time.Unix(1_700_000_000, 0).UTC()
	for line, want := range map[string]Move{
		zero40 + " " + one40 + " ben <pushboat@localhost> 1700000000 +0000\tpush":    {zero40, one40, when, "ben", "push"},
		zero40 + " " + one40 + " Ben A. Miller <x> 1700000000 +0200\trollback to 41": {zero40, one40, when, "Ben A. Miller", "rollback to 41"},
		zero40 + " " + one40 + " ben <x> soon +0000\tpush":                           {From: zero40, To: one40, Who: "ben", Why: "push"},
		zero40 + " " + one40 + " ben <x> -5 +0000":                                   {From: zero40, To: one40, Who: "ben"},
		zero40 + " " + one40 + " ben":                                                {From: zero40, To: one40, Who: "ben"},
		zero40 + " " + one40:                                                         {}, "": {}, "x y z\tpush": {}, "x " + one40 + " z\tpush": {},
	} {
		if got := parseMove(line); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}
