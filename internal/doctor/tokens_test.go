package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/token"
)

func TestTokensThatEndSoon(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	ending := func(in, life time.Duration) token.Token {
		return token.Token{ID: "t1", Name: "ci", Operator: "ana", Created: now.Add(in - life), Expires: now.Add(in)}
	}
	for what, test := range map[string]struct {
		list []token.Token
		says string // "": nothing
	}{
		"none":           {nil, ""},
		"it ends soon":   {[]token.Token{ending(2*day, 90*day)}, "ci (t1) of ana on 2026-06-03"},
		"it has time":    {[]token.Token{ending(7*day, 90*day)}, ""},
		"it has ended":   {[]token.Token{ending(0, 90*day)}, ""},
		"it lives short": {[]token.Token{ending(2*day, 7*day)}, ""},
		"without a name": {[]token.Token{{ID: "t2", Operator: "ben", Created: now.Add(-30 * day), Expires: now.Add(day)}}, ": t2 of ben on 2026-06-02"},
	} {
		f := judgeTokens(test.list, now)
		if (f.Level == Warning) != (test.says != "") || !strings.Contains(f.Says, test.says) || f.Level == Warning && f.Hint == "" {
			t.Errorf("%s: %+v", what, f)
		}
	}
}
