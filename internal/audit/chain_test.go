package audit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
)

// lines encodes events as the lines of a trail, from its beginning.
func lines(t testing.TB, events ...Event) []string {
	t.Helper()
	var all []string
	at := mark{Hash: genesis}
	for _, e := range events {
		line, hash, err := encode(e, at.Seq+1, at.Hash)
		if err != nil {
			t.Fatal(err)
		}
		at = mark{at.Seq + 1, hash}
		all = append(all, strings.TrimSuffix(string(line), "\n"))
	}
	return all
}

// some makes events that differ from one another.
func some(n int) []Event {
	events := make([]Event, n)
	for i := range events {
		events[i] = Event{Time: time.Unix(int64(i), 0), Kind: Push, Operator: "ana", Ref: fmt.Sprintf("refs/heads/b%d", i), Decision: Allowed}
	}
	return events
}

// faultsOf returns the faults that a chain finds.
func faultsOf(all []string) (faults []string) {
	var c chain
	for i, line := range all {
		if _, err := c.take([]byte(line)); err != nil {
			faults = append(faults, fmt.Sprintf("%d: %v", i+1, err))
		}
	}
	return faults
}

func TestChainFindsWhatIsNotAsWritten(t *testing.T) {
	forged := func(all []string) []string { // line 3 is replaced by a forged one with a valid hash
		e, _ := decode([]byte(all[2]))
		e.Operator, e.Hash = "eve", ""
		line, _, _ := encode(e, e.Seq, e.Prev)
		all[2] = strings.TrimSuffix(string(line), "\n")
		return all
	}
	for _, test := range []struct {
		name   string
		change func(all []string) []string
		want   []string
	}{
		{"nothing", func(all []string) []string { return all }, nil},
		{"the first line is gone", func(all []string) []string { return all[1:] }, nil}, // only the head shows this
		{"a line is gone", func(all []string) []string { return append(all[:2], all[3:]...) }, []string{"3: the line 3 before this one is missing"}},
		{"two lines are gone", func(all []string) []string { return append(all[:1], all[3:]...) }, []string{"2: the lines 2 to 3 before this one are missing"}},
		{"a line was changed", func(all []string) []string {
			all[2] = strings.Replace(all[2], "ana", "eve", 1)
			return all
		}, []string{"3: " + errChanged.Error()}},
		{"a line's number was changed", func(all []string) []string {
			all[2] = strings.Replace(all[2], `"seq":3`, `"seq":9000`, 1)
			return all
		}, []string{"3: " + errChanged.Error()}},
		{"a line was written anew", forged, []string{"4: this line does not follow the line before it, 3"}},
		{"two lines changed places", func(all []string) []string {
			all[1], all[2] = all[2], all[1]
			return all
		}, []string{"2: the line 2 before this one is missing", "3: this line, 2, stands after line 3"}},
		{"a line is there twice", func(all []string) []string { return append(all, all[4]) }, []string{"6: this line, 5, stands after line 5"}},
		{"a line is garbage", func(all []string) []string {
			all[1] = "garbage"
			return all
		}, []string{"2: " + errNoLine.Error(), "3: the line 2 before this one is missing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := faultsOf(test.change(lines(t, some(5)...)))
			if len(got) != len(test.want) {
				t.Fatalf("faults: %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("fault %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestEndsOfTheChain(t *testing.T) {
	kept := head{mark{5, "x"}, 2}
	for _, test := range []struct {
		name  string
		lines chain
		want  string
	}{
		{"as kept", chain{first: 2, last: mark{5, "x"}}, ""},
		{"more at the beginning", chain{first: 1, last: mark{5, "x"}}, ""},
		{"cut at the end", chain{first: 2, last: mark{3, "y"}}, "the lines 4 to 5 are missing from the end"},
		{"cut at the beginning", chain{first: 4, last: mark{5, "x"}}, "the lines 2 to 3 are missing from the beginning"},
		{"another end", chain{first: 2, last: mark{5, "y"}}, "the last line, 5, is another than was written"},
		{"longer", chain{first: 2, last: mark{6, "y"}}, "line 6 stands behind the last"},
	} {
		faults := ends(test.lines, kept)
		if len(faults) > 1 || len(faults) == 0 != (test.want == "") || len(faults) == 1 && !strings.HasPrefix(faults[0].Text, test.want) {
			t.Errorf("%s: %v, want %q", test.name, faults, test.want)
		}
	}
	if faults := ends(chain{}, head{mark{0, genesis}, 1}); len(faults) > 0 {
		t.Errorf("a trail without a line: %v", faults)
	}
}

func TestTextOfOthersIsBounded(t *testing.T) {
	for text, want := range map[string]string{
		"refs/heads/main":              "refs/heads/main",
		"grün und 日本":                  "grün und 日本",
		"a\x1b[31mb":                   `"a\x1b[31mb"`,
		"a\nb":                         `"a\nb"`,
		"a\u009bb":                     `"a\u009bb"`,
		"a\u202eb":                     `"a\u202eb"`,
		"bad \xff":                     `"bad \xff"`,
		strings.Repeat("é", 200):       strings.Repeat("é", 128) + "…",
		"x" + strings.Repeat("é", 200): "x" + strings.Repeat("é", 127) + "…",
	} {
		if got := bound(text, maxText); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	long := Event{Kind: Verb, Reason: strings.Repeat("\x00", 10_000), Arguments: make([]string, 100)}
	for i := range long.Arguments {
		long.Arguments[i] = strings.Repeat("\x1b", 10_000)
	}
	line, _, err := encode(long, 1, genesis)
	if err != nil || len(line) > maxLine {
		t.Errorf("a line of %d bytes: %v", len(line), err)
	}
	if e, err := decode(line[:len(line)-1]); err != nil || len(e.Arguments) != maxArguments+1 {
		t.Errorf("%d arguments, %v", len(e.Arguments), err)
	}
}

// FuzzDecode checks that no line makes the reader panic, that an accepted line has the hash
// that it names, and that none of its texts can control a terminal.
func FuzzDecode(f *testing.F) {
	for _, line := range lines(f, some(2)...) {
		f.Add(line)
	}
	f.Add(`{"seq":1,"event":"push","hash":"` + genesis + `"}`)
	f.Add(`{"seq":1,"event":"push","ref":"\u001b[2J","prev":"","hash":"` + sum([]byte(`{"seq":1,"event":"push","ref":"\u001b[2J","prev":""`)) + `"}`)
	f.Add("{}")
	f.Fuzz(func(t *testing.T, line string) {
		e, err := decode([]byte(line))
		var c chain
		_, _ = c.take([]byte(line))
		if err != nil {
			if !errors.Is(err, errNoLine) && !errors.Is(err, errChanged) {
				t.Errorf("unknown error %v", err)
			}
			return
		}
		if !strings.HasSuffix(line, `,"hash":"`+e.Hash+`"}`) {
			t.Errorf("hash %s of %q", e.Hash, line)
		}
		for _, text := range append([]string{e.Operator, e.Ref, e.Reason, e.App, e.Verb, e.Rule, e.Address, string(e.Kind), string(e.Decision)}, e.Arguments...) {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q does not print", text)
			}
		}
	})
}
