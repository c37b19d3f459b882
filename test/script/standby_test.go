package script

import (
	"fmt"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdStandby starts a second server on the script's data, or waits until the second server
// serves. From then on that is the script's server.
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

// cmdEnded waits until the server has ended by itself, with an exit status. After a standby
// has taken over, it waits for the server that served before.
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
