package deploy

import "testing"

func TestConfirmHint(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"a push":                  {Options{ConfirmPrune: -1}, "if that is meant, push with -o confirm-prune=5"},
		"a verb":                  {Options{ConfirmPrune: -1, Verb: true}, "if that is meant, repeat it with --confirm-prune=5"},
		"another number is given": {Options{ConfirmPrune: 4}, "confirm-prune=4 does not match; if that is meant, push with -o confirm-prune=5"},
	} {
		if got := confirmHint(5, test.options); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
