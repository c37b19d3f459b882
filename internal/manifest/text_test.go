package manifest

import "testing"

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, line, lines string }{
		{"", "", ""},
		{"plain text, é 日本 ✓ 😀", "plain text, é 日本 ✓ 😀", "plain text, é 日本 ✓ 😀"},
		{"a\nb\tc\r\n", `a\nb\tc\r\n`, "a\nb\tc\\r\n"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`, `\x1b[31mred\x1b[0m`},
		{"\x00\x07\x7f", `\x00\x07\x7f`, `\x00\x07\x7f`},
		{"\u0085\u009b31m", `\x85\x9b31m`, `\x85\x9b31m`}, // C1: NEL, CSI
		{"\u202eabc\u2066\u200e", `\u202eabc\u2066\u200e`, `\u202eabc\u2066\u200e`},
		{"a\u200bb\ufeff\u2028", `a\u200bb\ufeff\u2028`, `a\u200bb\ufeff\u2028`},
		{"\U000e0041", `\U000e0041`, `\U000e0041`}, // tag characters
		{"a\xffb\xc3", `a\xffb\xc3`, `a\xffb\xc3`},
		{"\ufffd", "\ufffd", "\ufffd"},
	} {
		if got := Clean(test.in); got != test.line {
			t.Errorf("Clean(%q) = %q, want %q", test.in, got, test.line)
		}
		if got := CleanLines(test.in); got != test.lines {
			t.Errorf("CleanLines(%q) = %q, want %q", test.in, got, test.lines)
		}
		if once := Clean(test.in); Clean(once) != once {
			t.Errorf("Clean changes its own result %q", once)
		}
	}
}

func TestClosest(t *testing.T) {
	known := []string{"name", "path", "namespace", "createNamespace", "imagePullPolicy", "drift"}
	for word, want := range map[string]string{
		"imagePulPolicy":  "imagePullPolicy",
		"createnamespace": "createNamespace",
		"nmae":            "name",
		"paths":           "path",
		"NAME":            "name",
		"nam":             "name",
		"nested":          "",
		"x":               "",
		"":                "",
		"pth":             "path",
		"dritf":           "drift",
		"helmRelease":     "",
	} {
		if got := Closest(word, known); got != want {
			t.Errorf("Closest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Closest("name", nil); got != "" {
		t.Errorf("Closest of nothing = %q", got)
	}
}
