package doctor

import (
	"time"

	"github.com/pushboat/pushboat/internal/access/token"
)

// lastWeek is how long before a token of the API ends the doctor warns of it. One that is good
// for no longer than that is made anew by a program, and nobody need hear of it.
const lastWeek = 7 * 24 * time.Hour

// judgeTokens warns of tokens that are about to end; it is the zero Finding if there are none.
func judgeTokens(list []token.Token, now time.Time) Finding {
	var ending []string
	for _, t := range list {
		if left := t.Expires.Sub(now); left > 0 && left < lastWeek && t.Expires.Sub(t.Created) > lastWeek {
			called := t.ID
			if t.Name != "" {
				called = t.Name + " (" + t.ID + ")"
			}
			ending = append(ending, called+" of "+t.Operator+" on "+day(t.Expires))
		}
	}
	if len(ending) == 0 {
		return Finding{}
	}
	return Finding{
		Check: "tokens", Level: Warning, Says: "tokens of the API end soon: " + names(ending),
		Hint: "whoever made one makes another, with the same bounds: ssh HOST token create NAME --expires 90d",
	}
}
