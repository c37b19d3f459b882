package apply

import (
	"context"
	"errors"
)

// The causes of the end of Order.Wait.
var (
	ErrSuperseded  = errors.New("a newer revision came") // and should be deployed
	ErrInterrupted = errors.New("the server is stopping")
)

// CancelledError ends a wait at an operator's request.
type CancelledError struct{ By string }

func (e CancelledError) Error() string { return "cancelled by " + e.By }

// UnhealthyError ends a wait for health: something has failed for good, or is not healthy
// after the app's timeout or when an operator cancels the wait. The reason names it.
type UnhealthyError struct{ Reason string }

func (e UnhealthyError) Error() string { return e.Reason }

// WaitError says why a wait, which has ended, did.
func WaitError(wait context.Context) error {
	if errors.Is(context.Cause(wait), ErrSuperseded) {
		return ErrSuperseded
	}
	if by := CancelledBy(wait); by != "" {
		return CancelledError{by}
	}
	return ErrInterrupted
}

// CancelledBy returns the operator who has cancelled a wait; "" if nobody did.
func CancelledBy(wait context.Context) string {
	if cancelled, ok := errors.AsType[CancelledError](context.Cause(wait)); ok {
		return cancelled.By
	}
	return ""
}
