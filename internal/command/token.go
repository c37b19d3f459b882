package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// TokenLife is how long tokens are good.
type TokenLife struct {
	Usual   time.Duration // of one that is made without --expires
	Longest time.Duration
}

const (
	tokenCreateHelp = "For programs that come to the API (docs/automation.md). It is printed once, and\n" +
		"good until --expires: a duration (90m, 8h, 30d) or a moment (2026-12-31). It has\n" +
		"the rights of your key, as they are at each request, within --role (read, push,\n" +
		"deploy, admin) and --repo: patterns such as shop or team/*, which leave nothing\n" +
		"of the server. It ends with your key. It cannot make others.\n" +
		"Example: token create ci --role deploy --repo shop --expires 90d"
	tokenListHelp = "Yours; those of all, if you are an admin. Not their texts: only whoever made one\n" +
		"has that. One whose key has ended opens nothing, and says why; it is good again\n" +
		"if the key is. Example: token list -o json"
	tokenRevokeHelp = "TOKEN is an id, the name of one of yours, or all of yours: all. Admins revoke\n" +
		"those of others by id. Whoever has found the token itself may give that: it is\n" +
		"revoked, whosever it is. Example: token revoke ci"
)

func tokenCreateFlags(f *pflag.FlagSet) {
	output(f)
	f.String("expires", "", "when it ends: a duration or a moment")
	f.String("role", string(access.RoleRead), "the most that it may do: read, push, deploy or admin")
	f.StringSlice("repo", nil, "patterns of the only repositories that it is for")
}

// madeToken is a new token, as JSON.
type madeToken struct {
	Text string `json:"token"` // it is shown here, and never again
	token.Token
	API string `json:"api"` // the address before the paths of the API
}

// createToken makes a token for the caller.
func createToken(_ context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	api, err := c.Web.API()
	if err != nil {
		return err
	}
	wanted, err := c.newToken(time.Now())
	if err != nil {
		return err
	}
	text, made, err := c.Tokens.Make(wanted)
	if err != nil {
		return noToken(err)
	}
	c.noteToken(audit.TokenMade, made, describeToken(made))
	return c.print(madeToken{text, made, api}, func(w io.Writer) {
		fmt.Fprintln(w, text)
		fmt.Fprintf(c.Stderr(), "token %s, %s; it is not shown again\ntry it: curl -H \"Authorization: Bearer TOKEN\" %s/whoami\n", made.ID, describeToken(made), api)
	})
}

// describeToken says what a token is good for.
func describeToken(t token.Token) string {
	text := "role " + string(t.Role)
	if t.Repos != "" {
		text += ", only for " + string(t.Repos)
	}
	return text + ", until " + t.Expires.UTC().Format(access.ExpiryLayout)
}

func noToken(err error) error {
	switch taken := (*token.TakenError)(nil); {
	case errors.As(err, &taken):
		return report.WithHint(err, "give another name, or end that one: ssh HOST token revoke %s", taken.ID)
	case errors.Is(err, token.ErrName):
		return usageError{err.Error()}
	case errors.Is(err, token.ErrMany):
		return report.WithHint(err, "end one that you do not need: ssh HOST token list")
	}
	return report.WithHint(fmt.Errorf("make a token: %w", err), "ask an admin: ssh HOST doctor, and the server's log, say more")
}

// errOneCommand is of a certificate that opens nothing but its command.
var errOneCommand = errors.New("your certificate runs one command only, and makes no tokens")

// newToken reads the words and flags of the call.
func (c *call) newToken(now time.Time) (n token.New, err error) {
	caller := c.Caller()
	n = token.New{Operator: caller.Operator, Key: c.Key(), Fingerprint: caller.Fingerprint}
	cert, certified := c.Key().(*ssh.Certificate)
	if certified && cert.CriticalOptions["force-command"] != "" {
		return n, report.WithHint(errOneCommand, "log in with a key, or with another certificate")
	}
	if len(c.args) == 1 {
		n.Name = c.args[0]
	}
	role, _ := c.flags.GetString("role") // the flags are those of tokenCreateFlags
	repos, _ := c.flags.GetStringSlice("repo")
	if c.flags.Changed("repo") && len(repos) == 0 { // it would read as all
		return n, usageError{"--repo names no repository"}
	}
	expires, _ := c.flags.GetString("expires")
	if n.Bounds, err = boundsOf(caller, access.Role(role), repos); err != nil {
		return n, err
	}
	if n.Expires, err = tokenEnd(expires, now, c.TokenLife); err != nil {
		return n, err
	}
	if ends := caller.Certificate.Expires; !ends.IsZero() && ends.Before(n.Expires) {
		n.Expires = ends
	}
	return n, nil
}

// boundsOf are the bounds of a token of a caller.
func boundsOf(caller access.Caller, role access.Role, repos []string) (bounds access.Token, err error) {
	switch {
	case !role.Valid():
		return bounds, usageError{fmt.Sprintf("--role %q is no role: read, push, deploy or admin", role)}
	case !caller.Ruled && !caller.Role.Includes(role):
		return bounds, usageError{fmt.Sprintf("--role %s is more than your key has: %s", role, caller.Role)}
	}
	bounds.Role = role
	if len(repos) > 0 {
		if bounds.Repos, err = access.ParseGlobs(strings.Join(repos, " ")); err != nil {
			return bounds, usageError{fmt.Sprintf("--repo %q: %v", strings.Join(repos, ","), err)}
		}
	}
	return bounds, nil
}

// tokenEnd parses the end of a token; without a text, it is the usual one.
func tokenEnd(text string, now time.Time, life TokenLife) (time.Time, error) {
	if text == "" {
		return now.Add(min(life.Usual, life.Longest)), nil
	}
	end, ok := fromNow(text, now)
	for _, form := range moments {
		if moment, err := time.Parse(form, text); !ok && err == nil {
			end, ok = moment, true
		}
	}
	switch {
	case !ok:
		return time.Time{}, usageError{fmt.Sprintf("--expires %q is no time; write 90m, 8h, 30d, 2026-12-31 or 2026-12-31T18:00 (UTC)", text)}
	case !end.After(now):
		return time.Time{}, usageError{fmt.Sprintf("--expires %q has passed", text)}
	case end.After(now.Add(life.Longest)):
		return time.Time{}, usageError{fmt.Sprintf("--expires %q is further away than this server allows: %s", text, manifest.Roughly(life.Longest))}
	}
	return end, nil
}

// noteToken puts on the audit trail what happened to a token.
func (c *call) noteToken(kind audit.Kind, t token.Token, what string) {
	e := audit.Of(kind, c.Caller())
	e.Token, e.Reason = t.ID, what
	if t.Operator != e.Operator {
		e.Reason += ", of " + t.Operator
	}
	c.Trail.Note(e)
}

// listedToken is a token as JSON.
type listedToken struct {
	token.Token
	Ended string `json:"ended,omitempty"` // why it opens nothing although it has not expired: its key has ended
}

// standing says of each token whether its key still opens anything.
func (c *call) standing(tokens []token.Token) []listedToken {
	list := make([]listedToken, 0, len(tokens))
	for _, t := range tokens {
		one := listedToken{Token: t}
		if key := c.Tokens.KeyOf(t.ID); key != nil { // nil: it was revoked a moment ago
			if err := c.Web.Stands(key, t.Operator); err != nil {
				one.Ended = err.Error()
			}
		}
		list = append(list, one)
	}
	return list
}

// listTokens lists the caller's tokens, or those of all.
func listTokens(_ context.Context, c *call) error {
	list := c.standing(c.Tokens.List(c.tokensOf()))
	return c.print(list, func(w io.Writer) { printTokens(w, list, time.Now()) })
}

// tokensOf is whose tokens the caller sees; "": everybody's.
func (c *call) tokensOf() string {
	if c.Policy.Allows(c.Caller(), access.Administer, access.Subject{}) {
		return ""
	}
	return c.Caller().Operator
}

func printTokens(w io.Writer, list []listedToken, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No token is good. Make one: ssh HOST token create NAME")
		return
	}
	table := newTable(w, "TOKEN", "NAME", "OPERATOR", "ROLE", "FOR", "EXPIRES", "USED", "FROM")
	for _, t := range list {
		used := "-"
		if !t.Used.IsZero() {
			used = ago(t.Used, now)
		}
		end := "in " + manifest.Roughly(t.Expires.Sub(now))
		if t.Ended != "" {
			end = "ended"
		}
		table.row(t.ID, dash(t.Name), t.Operator, string(t.Role), dash(string(t.Repos)), end, used, dash(t.Address))
		if t.Ended != "" {
			table.note("opens nothing: " + t.Ended)
		}
	}
	table.print()
}

// revokeTokens ends tokens.
func revokeTokens(_ context.Context, c *call) error {
	seen, own := c.Tokens.List(c.tokensOf()), c.Caller().Operator
	var ending []token.Token
	for _, word := range c.args {
		found := named(seen, own, word)
		if t, _, ok := c.Tokens.Find(word); ok { // whoever knows it may end it
			found = []token.Token{t}
		}
		if len(found) == 0 && word != "all" {
			if token.IsOne(word) {
				word = "it" // a secret is not repeated
			}
			return report.WithHint(fmt.Errorf("token %q not found", manifest.Clean(word)), "list them: ssh HOST token list")
		}
		ending = append(ending, found...)
	}
	for _, t := range ending {
		ok, err := c.Tokens.Revoke(t.ID)
		if ok {
			c.noteToken(audit.TokenEnded, t, "revoked")
			fmt.Fprintf(c, "revoked %s of %s\n", strings.TrimSpace(t.ID+" "+t.Name), t.Operator)
		}
		if err != nil {
			return report.WithHint(err, "mend what the error says, and see that it is gone: ssh HOST token list")
		}
	}
	return nil
}

// named are the tokens that a word names: those of a name are the caller's own.
func named(seen []token.Token, own, word string) []token.Token {
	fits := func(t token.Token) bool {
		return t.ID == word || t.Operator == own && (word == "all" || t.Name == word && word != "")
	}
	return slices.DeleteFunc(slices.Clone(seen), func(t token.Token) bool { return !fits(t) })
}
