package push

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
)

func TestParseOptions(t *testing.T) {
	tests := []struct {
		words []string
		want  deploy.Options
		bad   int
	}{
		{nil, deploy.Options{ConfirmPrune: -1}, 0},
		{[]string{"plan"}, deploy.Options{Plan: true, ConfirmPrune: -1}, 0},
		{[]string{"take-over"}, deploy.Options{TakeOver: true, ConfirmPrune: -1}, 0},
		{[]string{"take-over", "skip"}, deploy.Options{TakeOver: true, Skip: true, ConfirmPrune: -1}, 1},
		{[]string{"force", "detach", "confirm-prune=12"}, deploy.Options{Force: true, Detach: true, ConfirmPrune: 12}, 0},
		{[]string{"skip"}, deploy.Options{Skip: true, ConfirmPrune: -1}, 0},
		{[]string{"override=it burns = badly"}, deploy.Options{Override: "it burns = badly", ConfirmPrune: -1}, 0},
		{[]string{"override", "override=", "override= ", "override=\x1b[31m", "override=" + strings.Repeat("a", 201)}, deploy.Options{}, 5},
		{[]string{"override=why", "skip"}, deploy.Options{}, 1},
		{[]string{"Plan"}, deploy.Options{}, 1},
		{[]string{"dry-run", "confirm-prune", "confirm-prune=-1", "confirm-prune=x", "plan=yes"}, deploy.Options{}, 5},
		{[]string{"skip", "plan"}, deploy.Options{}, 1},
		{[]string{"\x1b[31m"}, deploy.Options{}, 1},
	}
	for _, test := range tests {
		got, problems := parseOptions(test.words)
		if len(problems) != test.bad {
			t.Errorf("%q: %d problems, want %d: %v", test.words, len(problems), test.bad, problems)
		}
		if test.bad == 0 && got != test.want {
			t.Errorf("%q: got %+v, want %+v", test.words, got, test.want)
		}
	}
}
