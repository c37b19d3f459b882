package script

import (
	"fmt"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdStandby starts a second server on the script's data, or waits until that one serves:
// it is the script's server from then on.
func cmdStandby(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case neg:
		ts.Fatalf("unsupported: ! standby")
	case len(args) == 1 && args[0] == "leads":
		ts.Check(on(ts).Lead())
	default:
		ts.Check(on(ts).StartStandby(args))
	}
}

// cmdEnded waits until the server has ended by itself, with an exit status; where a
// standby has taken a place, the server that had it.
func cmdEnded(ts *testscript.TestScript, args []string) error {
	status, err := on(ts).Ended()
	if err != nil {
		return err
	}
	if got := fmt.Sprint(status); got != args[0] {
		return fmt.Errorf("the server ended with status %s, not %s", got, args[0])
	}
	return nil
}
