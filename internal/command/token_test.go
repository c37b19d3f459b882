package command

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
)

func TestBoundsOfATokenAreWithinItsMaker(t *testing.T) {
	reader, ruled := access.Caller{Operator: "rea", Role: access.RoleRead}, access.Caller{Operator: "ben", Ruled: true}
	for _, test := range []struct {
		caller access.Caller
		role   access.Role
		repos  []string
		want   access.Token
		says   string // of the refusal
	}{
		{reader, access.RoleRead, nil, access.Token{Role: access.RoleRead}, ""},
		{reader, access.RoleRead, []string{"shop", "team/*"}, access.Token{Role: access.RoleRead, Repos: "shop team/*"}, ""},
		{reader, access.RoleDeploy, nil, access.Token{}, "more than your key has: read"},
		{ruled, access.RoleAdmin, nil, access.Token{Role: access.RoleAdmin}, ""}, // the rules say what that is, at each request
		{ruled, "", nil, access.Token{}, "is no role"},
		{ruled, "root", nil, access.Token{}, "is no role"},
		{ruled, access.RoleRead, []string{""}, access.Token{}, "0 patterns"},
		{ruled, access.RoleRead, []string{"a;b"}, access.Token{}, "pattern 1"},
		{ruled, access.RoleRead, []string{strings.Repeat("a", 129)}, access.Token{}, "pattern 1"},
	} {
		got, err := boundsOf(test.caller, test.role, test.repos)
		switch {
		case test.says == "" && (err != nil || got != test.want):
			t.Errorf("%q %q: %+v, %v", test.role, test.repos, got, err)
		case test.says != "" && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%q %q: %v, want %q", test.role, test.repos, err, test.says)
		}
	}
}

func TestTokensEnd(t *testing.T) {
	now := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	life := TokenLife{Usual: 30 * 24 * time.Hour, Longest: 365 * 24 * time.Hour}
	for text, want := range map[string]time.Duration{
		"": life.Usual, "90m": 90 * time.Minute, "1d": 24 * time.Hour, "365d": life.Longest, "2026-02-01": 6 * time.Hour, "2026-01-31T18:01": time.Minute,
	} {
		if got, err := tokenEnd(text, now, life); err != nil || got.Sub(now) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"0s": "has passed", "-1h": "has passed", "2026-01-31": "has passed", "366d": "further away", "8761h": "further away", "soon": "is no time", "0d": "is no time",
	} {
		if _, err := tokenEnd(text, now, life); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	short := TokenLife{Usual: time.Hour, Longest: time.Minute}
	if got, err := tokenEnd("", now, short); err != nil || got.Sub(now) != time.Minute {
		t.Errorf("the usual one is longer than the longest: %v, %v", got, err)
	}
}

// TestNamesAreOnesOwn: an id names any token that is seen, a name only those of the caller.
func TestNamesAreOnesOwn(t *testing.T) {
	seen := []token.Token{{ID: "1", Name: "ci", Operator: "ana"}, {ID: "2", Name: "ci", Operator: "ben"}, {ID: "3", Operator: "ana"}}
	for word, want := range map[string]string{"ci": "1", "2": "2", "all": "13", "": "", "x": ""} {
		got := ""
		for _, t := range named(seen, "ana", word) {
			got += t.ID
		}
		if got != want {
			t.Errorf("%q names %q, want %q", word, got, want)
		}
	}
}

func TestTokensOfKeysThatHaveEndedAreMarked(t *testing.T) {
	now := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	good := token.Token{ID: "11111111", Name: "ci", Operator: "ana", Role: access.RoleRead, Expires: now.Add(time.Hour)}
	ended := good
	ended.ID = "22222222"
	var out strings.Builder
	printTokens(&out, []listedToken{{Token: good}, {ended, "key SHA256:x expired on 2026-01-30 12:00 UTC"}}, now)
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 5 || !strings.Contains(lines[1], " in 1 h") || !strings.Contains(lines[2], " ended ") || lines[3] != "  opens nothing: key SHA256:x expired on 2026-01-30 12:00 UTC" {
		t.Errorf("it prints\n%s", out.String())
	}
}
