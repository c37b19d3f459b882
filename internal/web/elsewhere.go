package web

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
)

// maxAway bounds the mirrors and remotes of which the overview tells apart.
const maxAway = 10

// awayOf are mirrors and remotes of the repositories of apps that could not be asked: what is
// deployed may not be what is there. Who has not logged in learns no address.
func (v *visit) awayOf(all []*card) (away []mirror.Standing) {
	if v.everybody() || v.door.Elsewhere == nil {
		return nil
	}
	var shown map[name.Repo]bool
	for _, one := range v.door.Elsewhere() {
		if one.Trouble == nil || len(away) == maxAway {
			continue
		}
		if shown == nil {
			shown = map[name.Repo]bool{}
			for _, s := range all {
				shown[s.Repo] = true
			}
		}
		if shown[one.Repo] {
			away = append(away, one)
		}
	}
	return away
}

// awayText is all that a page shows of them.
func awayText(away []mirror.Standing) string {
	var text strings.Builder
	for _, one := range away {
		fmt.Fprintf(&text, "%q %q %d %q\n", one.Repo, one.Remote, one.Trouble.Since.Unix(), one.Trouble.Error)
	}
	return text.String()
}
