package command

import (
	"strings"
	"testing"
)

func TestColumns(t *testing.T) {
	table := &columns{heads: []string{"APP", "STATE", "BY"}}
	table.row("shop", "in sync", "ana")
	table.note("a note that is longer than all columns together\nand has a second line")
	table.row("東京", "failed", "Jo\u0301")
	table.row("x\x1b[31m", "", "")
	var out strings.Builder
	table.print(&out)
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
	table := &columns{heads: []string{"APP", "MESSAGE"}, width: 40}
	table.row("shop", strings.Repeat("word ", 20))
	table.row(strings.Repeat("東", 30), "short")
	table.note("a note of many words that does not fit the width of this terminal at all")
	var out strings.Builder
	table.print(&out)
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
