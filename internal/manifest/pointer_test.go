package manifest

import "testing"

// TestCovers: a pointer covers its field and what is below it, with any step in place of *.
func TestCovers(t *testing.T) {
	for _, test := range []struct {
		pointer, field string
		want           bool
	}{
		{"/data/a", "/data/a", true},
		{"/data/a", "/data/a/b", true},
		{"/data/a", "/data/ab", false},
		{"/data/a", "/data", false},
		{"/data", "", false},
		{"/a~1b", "/a~1b/c", true},
		{"/webhooks/*/clientConfig/caBundle", "/webhooks/12/clientConfig/caBundle", true},
		{"/webhooks/*/clientConfig", "/webhooks/0/clientConfig/caBundle", true},
		{"/webhooks/*/clientConfig", "/webhooks/0/name", false},
		{"/webhooks/*", "/webhooks", false},
		{"/*", "/metadata/name", true},
		{"/metadata/*", "/metadata/name", true},
		{"/spec/*", "/metadata/name", false},
	} {
		if got := Covers(test.pointer, test.field); got != test.want {
			t.Errorf("%s covers %q: %v", test.pointer, test.field, got)
		}
	}
}

func TestStepsOfPointers(t *testing.T) {
	for name, step := range map[string]string{
		"replicas": "replicas", "": "", "a/b": "a~1b", "~": "~0", "~1": "~01", "/~/": "~1~0~1", "example.com/a~b": "example.com~1a~0b",
	} {
		if got := EscapeStep(name); got != step {
			t.Errorf("the step of %q: %q, want %q", name, got, step)
		}
		if got := UnescapeStep(step); got != name {
			t.Errorf("the name in %q: %q, want %q", step, got, name)
		}
		if steps, err := ParsePointer("/metadata/" + step); err != nil || len(steps) != 2 || steps[1] != name {
			t.Errorf("/metadata/%s: %q, %v", step, steps, err)
		}
	}
}
