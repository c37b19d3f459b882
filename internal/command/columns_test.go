package command

import (
	"strings"
	"testing"
)

func TestColumns(t *testing.T) {
	var out strings.Builder
	table := newTable(&out, "APP", "STATE", "BY")
	table.row("shop", "in sync", "ana")
	table.note("a note that is longer than all columns together\nand has a second line")
	table.row("東京", "failed", "Jo\u0301")
	table.row("x\x1b[31m", "", "")
	table.print()
	want := "APP         STATE     BY\n" +
		"shop        in sync   ana\n" +
		"  a note that is longer than all columns together\n" +
		"  and has a second line\n" +
		"東京        failed    Jo\u0301\n" +
		`x\x1b[31m` + "\n"
	if out.String() != want {
		t.Errorf("got:\n%swant:\n%s", out.String(), want)
	}
}

func TestColumnsFitTheTerminal(t *testing.T) {
	var out strings.Builder
	table := newTable(page{&out, 40, false}, "APP", "MESSAGE")
	table.row("shop", strings.Repeat("word ", 20))
	table.row(strings.Repeat("東", 30), "short")
	table.note("a note of many words that does not fit the width of this terminal at all")
	table.print()
	for line := range strings.Lines(out.String()) {
		if n := cellWidth(strings.TrimRight(line, "\n")); n > 40 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(out.String(), "…") || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), "a note of many words that does not fit the width of this terminal at all") {
		t.Errorf("got:\n%s", out.String())
	}
}

func TestCellWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "東京": 4, "ＡＢ": 4, "🚀": 2, "ｱ": 1, "…": 1, "a\u200db": 2} {
		if got := cellWidth(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestColumnsAreColoured(t *testing.T) {
	var out strings.Builder
	table := newTable(page{&out, 0, true}, "APP", "HEALTH", "BY")
	table.row("shop", "healthy", "ana")
	table.row("blog", "failing", "failing friend")
	table.print()
	want := "APP    HEALTH    BY\n" +
		"shop   \x1b[32mhealthy\x1b[0m   ana\n" +
		"blog   \x1b[31mfailing\x1b[0m   failing friend\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestPaintLine(t *testing.T) {
	for line, want := range map[string]string{
		"  + ConfigMap shop/a":       "  \x1b[32m+\x1b[0m ConfigMap shop/a",
		"  - ConfigMap shop/a":       "  \x1b[31m-\x1b[0m ConfigMap shop/a",
		"  healthy     Pod shop/web": "  \x1b[32mhealthy\x1b[0m     Pod shop/web",
		"  failing     Pod shop/web": "  \x1b[31mfailing\x1b[0m     Pod shop/web",
		"  created     Pod shop/web": "  created     Pod shop/web",
		"error: not found":           "\x1b[31merror:\x1b[0m not found",
		"hint: try again":            "\x1b[33mhint:\x1b[0m try again",
		"  2 to change, 1 unchanged": "  2 to change, 1 unchanged",
		"shop: deployed abc":         "shop: deployed abc",
		"":                           "",
	} {
		if got := paintLine(line); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	var out strings.Builder
	writer := &lines{to: &out, colour: true}
	for _, part := range []string{"err", "or: a\nhi", "nt: b\n"} {
		_, _ = writer.Write([]byte(part))
	}
	if want := "\x1b[31merror:\x1b[0m a\n\x1b[33mhint:\x1b[0m b\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestWhenColour(t *testing.T) {
	for when, want := range map[string][2]bool{"auto": {false, true}, "always": {true, true}, "never": {false, false}} {
		for i, terminal := range []bool{false, true} {
			if got, err := whenColour(when, terminal); got != want[i] || err != nil {
				t.Errorf("%s, terminal %v: got %v, %v", when, terminal, got, err)
			}
		}
	}
	if _, err := whenColour("blue", true); err == nil {
		t.Error("the colour blue was accepted")
	}
}
