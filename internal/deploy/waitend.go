package deploy

import (
	"context"
	"errors"
)

// Why a deploy may give up a wait.
var (
	errSuperseded  = errors.New("a newer revision came") // and is to be deployed
	errInterrupted = errors.New("the server is stopping")
)

// cancelledError ends a wait because an operator has asked for it.
type cancelledError struct{ by string }

func (e cancelledError) Error() string { return "cancelled by " + e.by }

// unhealthyError ends a wait for health: something has failed for good, or is not healthy
// after the app's timeout or when an operator cancels the wait. The reason names it.
type unhealthyError struct{ reason string }

func (e unhealthyError) Error() string { return e.reason }

// waitError says why a wait, which has ended, did.
func waitError(wait context.Context) error {
	if errors.Is(context.Cause(wait), errSuperseded) {
		return errSuperseded
	}
	if by := cancelledBy(wait); by != "" {
		return cancelledError{by}
	}
	return errInterrupted
}

// cancelledBy returns the operator who has cancelled a wait; "" if nobody did.
func cancelledBy(wait context.Context) string {
	if cancelled, ok := errors.AsType[cancelledError](context.Cause(wait)); ok {
		return cancelled.by
	}
	return ""
}
