package doctor

import (
	"fmt"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
)

// judgeMirrors judges how upstreams and remotes do. What is on a cluster stays as it is while
// they are away, so that warns only.
func judgeMirrors(list []mirror.Standing, now time.Time) Finding {
	f := Finding{Check: "mirrors", Level: OK, Says: "no repository is fetched from elsewhere, or sent there"}
	if len(list) > 0 {
		f.Says = fmt.Sprintf("of %d upstreams and remotes, none is away for long", len(list))
	}
	if len(list) == 1 {
		f.Says = "the upstream or remote that there is has not been away for long"
	}
	var away, stuck []string
	for _, m := range list {
		what := "the upstream of " + string(m.Repo)
		if m.Remote != "" {
			what = fmt.Sprintf("remote %s of %s", m.Remote, m.Repo)
		}
		if m.Trouble != nil && now.Sub(m.Trouble.Since) >= failsLong {
			away = append(away, fmt.Sprintf("%s since %s (%s)", what, day(m.Trouble.Since), manifest.OneLine(m.Trouble.Error)))
		}
		if m.Stuck > 0 {
			stuck = append(stuck, what)
		}
	}
	switch {
	case len(away) > 0:
		f.Level, f.Says, f.Hint = Warning, "cannot be reached: "+names(away), "see why: ssh HOST repo list"
	case len(stuck) > 0:
		f.Level, f.Says, f.Hint = Warning, "not all is taken: "+names(stuck), "see what, and why: ssh HOST repo list"
	}
	return f
}
