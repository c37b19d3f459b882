package report

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/record"
)

// heldText is the outcome of what a suspension kept from being done.
func heldText(r record.Record) string {
	if r.Cause == record.CauseSuspend {
		return fmt.Sprintf("%s: %s (deploy %s)\nhint: end it with: ssh HOST resume %s", r.App, r.Suspension.Describe(), r.ID(), r.App)
	}
	return fmt.Sprintf("%s: %s stored, not deployed (deploy %s)\n  %s\nhint: deploy it with: ssh HOST resume %s",
		r.App, ShortRevision(r.Revision), r.ID(), r.Suspension.Describe(), r.App)
}
