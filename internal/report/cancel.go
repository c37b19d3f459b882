package report

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/record"
)

// cancelledText is the outcome of a deploy whose wait was ended.
func cancelledText(r record.Record, took, id, why string) string {
	if r.Result == record.Unhealthy {
		return fmt.Sprintf("%s: %s is applied; its wait was cancelled by %s after %s %s%s\nhint: see how it is: ssh HOST status %s",
			r.App, ShortRevision(r.Revision), r.Cancelled, took, id, why, r.App)
	}
	return fmt.Sprintf("%s: deploying %s was cancelled by %s after %s, with the rest not applied %s%s\nhint: the commit was kept; go on with: ssh HOST sync %s",
		r.App, ShortRevision(r.Revision), r.Cancelled, took, id, why, r.App)
}
