package apply

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// TestWhyAWaitHasEnded: the cause of its context is the reason.
func TestWhyAWaitHasEnded(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		want  error
		by    string
	}{
		"a newer revision":          {ErrSuperseded, ErrSuperseded, ""},
		"a newer revision, wrapped": {fmt.Errorf("push 7: %w", ErrSuperseded), ErrSuperseded, ""},
		"an operator":               {CancelledError{"alice"}, CancelledError{"alice"}, "alice"},
		"an operator, wrapped":      {fmt.Errorf("by hand: %w", CancelledError{"alice"}), CancelledError{"alice"}, "alice"},
		"the server":                {ErrInterrupted, ErrInterrupted, ""},
		"no cause":                  {nil, ErrInterrupted, ""},
		"another cause":             {errors.New("whatever"), ErrInterrupted, ""},
	} {
		wait, end := context.WithCancelCause(t.Context())
		end(test.cause)
		if got := WaitError(wait); !errors.Is(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
		if got := CancelledBy(wait); got != test.by {
			t.Errorf("%s: cancelled by %q", name, got)
		}
	}
}

func TestWaitThatGoesOnIsNobodysDoing(t *testing.T) {
	if by := CancelledBy(t.Context()); by != "" {
		t.Errorf("cancelled by %q", by)
	}
}

func TestCancelledErrorNamesTheOperator(t *testing.T) {
	if got := (CancelledError{"alice"}).Error(); got != "cancelled by alice" {
		t.Errorf("the error is %q", got)
	}
}
