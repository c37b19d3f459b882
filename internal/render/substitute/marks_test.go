package substitute

import "testing"

// TestMarksOfText: a name is marked where it may be the whole of an unquoted scalar.
func TestMarksOfText(t *testing.T) {
	m := NewMarks([]string{"x", "app_y"})
	for text, want := range map[string]string{
		"a: ${x}\n":             "a: ${x\uE000}\n",
		"- ${app_y} # why\r\n":  "- ${app_y\uE000} # why\r\n",
		"a: '${x}'\n":           "a: '${x}'\n",
		"a: ${x}b\n":            "a: ${x}b\n",
		"a: $${x}\n":            "a: $${x}\n",
		"a: ${z}\n":             "a: ${z}\n",
		"  ${x}\n":              "  ${x}\n",
		"a:\n- b: ${x}\n- ${x}": "a:\n- b: ${x\uE000}\n- ${x\uE000}",
	} {
		if got := string(m.Text([]byte(text))); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := string(m.JSON([]byte(`[{"patch":"a: ${x}\nb: '${x}'","n":1}]`))); got != "[{\"n\":1,\"patch\":\"a: ${x\uE000}\\nb: '${x}'\"}]" {
		t.Errorf("JSON becomes %q", got)
	}
}
