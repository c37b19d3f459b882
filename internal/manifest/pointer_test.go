package manifest

import "testing"

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
