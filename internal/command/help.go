package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// greet says who the caller is and what to try, for ssh HOST without a verb.
func greet(_ context.Context, c *call) error {
	caller := c.Caller()
	fmt.Fprintf(c, "Hello %s. This is Pushboat: what you push here is deployed.\n\n", caller.Operator)
	fmt.Fprintf(c, "Your key   %s\n", caller.Fingerprint)
	if caller.Certificate.Authority != "" {
		fmt.Fprintf(c, "           with the %s, %s\n", manifest.Clean(caller.Certificate.String()), goodUntil(caller.Certificate.Expires))
	}
	fmt.Fprintf(c, "Your role  %s\n", c.role())
	fmt.Fprintf(c, "You can    %s\n\n", strings.Join(abilities(c), ", "))
	fmt.Fprintln(c, "  help        the verbs, as in: ssh HOST help")
	fmt.Fprintln(c, "  status      what is deployed, and how it is")
	fmt.Fprintln(c, "  repo list   the repositories, as in: git clone ssh://HOST/NAME")
	return nil
}

// role says which role the caller has; "rules" where the rules of admin.git give rights that
// are no role on the server.
func (c *call) role() string {
	caller := c.Caller()
	switch {
	case c.Policy.Allows(caller, access.Administer, access.Subject{}):
		return string(access.RoleAdmin)
	case !caller.Ruled:
		return string(caller.Role)
	case caller.Role == "":
		return "rules"
	}
	return string(caller.Role) + ", rules"
}

// abilities words the rights of the caller's role.
func abilities(c *call) []string {
	role := access.Role(c.role())
	if !role.Valid() {
		return []string{"do what the rules give you: ssh HOST access explain " + c.Caller().Operator + " NAME"}
	}
	var list []string
	for _, ability := range []struct {
		right access.Right
		text  string
	}{
		{access.ReadRepo, "look"},
		{access.PushRepo, "push"},
		{access.Deploy, "deploy"},
		{access.CreateRepo, "create repositories"},
		{access.DeleteRepo, "delete repositories"},
	} {
		if role.Includes(ability.right.Least()) {
			list = append(list, ability.text)
		}
	}
	return list
}

// helpVerb is the verb help itself.
func helpVerb() *verb {
	v, _ := find([]string{"help"})
	return v
}

// help lists the verbs, or explains one.
func help(_ context.Context, c *call) error {
	if asJSON, err := c.asJSON(); err != nil || asJSON {
		if err == nil {
			err = c.print(rowsOf(strings.Join(c.args, " ")), nil)
		}
		return err
	}
	if len(c.args) == 0 {
		c.helpAll()
		return nil
	}
	name := strings.Join(c.args, " ")
	var matching []*verb
	for _, v := range verbs() {
		if v.words == name {
			c.helpOn(v)
			return nil
		}
		if strings.HasPrefix(v.words, name+" ") {
			matching = append(matching, v)
		}
	}
	if len(matching) == 0 {
		return report.WithHint(fmt.Errorf("%q is no verb", name), "see the verbs: ssh HOST help")
	}
	if len(matching) == 1 {
		c.helpOn(matching[0])
		return nil
	}
	c.table(matching)
	for _, v := range matching {
		if v.words == explained[name] {
			fmt.Fprintln(c)
			c.helpOn(v)
		}
	}
	return nil
}

// helpRow is a way to call a verb, as -o json lists it.
type helpRow struct {
	Verb  string `json:"verb"`
	Args  string `json:"args,omitempty"`
	Flag  string `json:"flag,omitempty"` // with which it is called so
	Help  string `json:"help"`
	Right string `json:"right"`
	Role  string `json:"role,omitempty"` // the least that has the right; "" for everybody
}

// rowsOf lists the ways to call the verbs whose words begin with those given.
func rowsOf(words string) []helpRow {
	rows := []helpRow{}
	add := func(v *verb, args, flag, help string, right access.Right) {
		rows = append(rows, helpRow{v.words, args, flag, help, string(right), string(right.Least())})
	}
	for _, v := range verbs() {
		if words != "" && v.words != words && !strings.HasPrefix(v.words, words+" ") {
			continue
		}
		add(v, v.args, "", v.help, v.right)
		for _, f := range v.also {
			args, flag := f.args, ""
			if strings.HasPrefix(args, "--") {
				args, flag = "", args
			}
			add(v, args, flag, f.help, cmp.Or(f.right, v.right))
		}
		for _, flag := range slices.Sorted(maps.Keys(v.flagRights)) {
			args := v.args
			if v.flagRights[flag].OnServer() {
				args = "" // it is about no app
			}
			add(v, args, "--"+flag, v.help, v.flagRights[flag])
		}
	}
	return rows
}

func (c *call) helpAll() {
	fmt.Fprint(c, "Usage: ssh HOST VERB [ARGUMENTS]\n\n")
	c.table(verbs()[1:])
	fmt.Fprint(c, "\nVerbs that list take -o json; all take --color=always|never. help VERB says more.\n"+
		"To deploy, push:  git push ssh://HOST/NAME main\n"+
		"Push options:     git push -o plan | detach | force | skip | confirm-prune=N |\n"+
		"                  plain-secrets | take-over\n")
}

func (c *call) table(list []*verb) {
	for _, v := range list {
		fmt.Fprintf(c, "  %-18s  %s\n", v.usage(), v.help)
		for _, f := range v.also {
			fmt.Fprintf(c, "  %-18s  %s\n", v.usageOf(f.args), f.help)
		}
	}
}

func (c *call) helpOn(v *verb) { v.explain(c) }

// explain writes the help on a verb.
func (v *verb) explain(w io.Writer) {
	fmt.Fprintf(w, "Usage: ssh HOST %s\n", v.usage())
	for _, f := range v.also {
		fmt.Fprintf(w, "       ssh HOST %s\n", v.usageOf(f.args))
	}
	fmt.Fprintf(w, "\n%s.\n", strings.ToUpper(v.help[:1])+v.help[1:])
	for _, f := range v.also {
		fmt.Fprintf(w, "With %s: %s.\n", f.args, f.help)
	}
	if v.more != "" {
		fmt.Fprintln(w, v.more)
	}
	if example := v.example(); example != "" {
		fmt.Fprintf(w, "Example: %s\n", example)
	}
	if v.flags != nil {
		fmt.Fprintf(w, "\n%s", v.flagSet().FlagUsages())
	}
}

// whoami shows the caller's identity.
func whoami(_ context.Context, c *call) error {
	caller := c.Caller()
	who := identity{caller.Operator, caller.Fingerprint, c.role(), string(caller.Repos), caller.Remote, certificateOf(caller), tokenOf(caller)}
	return c.print(who, func(w io.Writer) {
		fmt.Fprintf(w, "operator  %s\nkey       %s\nrole      %s\n", who.Operator, who.Key, who.Role)
		if who.Repos != "" {
			fmt.Fprintf(w, "only for  %s\n", who.Repos)
		}
		if who.Certificate != nil {
			fmt.Fprintf(w, "comes by  %s, %s\n", manifest.Clean(caller.Certificate.String()), goodUntil(caller.Certificate.Expires))
		}
		if caller.Groups != "" {
			fmt.Fprintf(w, "groups    %s\n", strings.Join(caller.Groups.Names(), ", "))
		}
	})
}

// identity is a caller, as JSON.
type identity struct {
	Operator string `json:"operator"`
	Key      string `json:"key"`                    // its fingerprint
	Role     string `json:"role"`                   // "rules", or with ", rules" at its end, where the rules in admin give more
	Repos    string `json:"repositories,omitempty"` // the only ones that the key is for
	Remote   string `json:"remote"`                 // the address from which the caller comes

	Certificate *whoseCertificate `json:"certificate,omitempty"`
	Token       *whoseToken       `json:"token,omitempty"` // by which the caller comes to the API
}

// whoseToken is the token of a caller, as JSON: the caller has no more than it leaves.
type whoseToken struct {
	ID    string       `json:"id"`
	Role  access.Role  `json:"role"`
	Repos access.Globs `json:"repositories,omitempty"` // the only ones that it is for
}

func tokenOf(caller access.Caller) *whoseToken {
	if caller.Token.ID == "" {
		return nil
	}
	return &whoseToken{caller.Token.ID, caller.Token.Role, caller.Token.Repos}
}

// whoseCertificate is the certificate of a caller, as JSON.
type whoseCertificate struct {
	Authority string     `json:"authority"`
	Serial    uint64     `json:"serial"`
	KeyID     string     `json:"keyId"`
	Expires   *time.Time `json:"expires,omitempty"`
	Groups    []string   `json:"groups,omitempty"` // whose rights the caller has, who is no operator
}

func certificateOf(caller access.Caller) *whoseCertificate {
	cert := caller.Certificate
	if cert.Authority == "" {
		return nil
	}
	whose := &whoseCertificate{Authority: cert.Authority, Serial: cert.Serial, KeyID: cert.KeyID}
	if !cert.Expires.IsZero() {
		whose.Expires = &cert.Expires
	}
	if caller.Groups != "" {
		whose.Groups = caller.Groups.Names()
	}
	return whose
}

// goodUntil says how long a certificate is accepted.
func goodUntil(expires time.Time) string {
	if expires.IsZero() {
		return "for good"
	}
	return "until " + expires.UTC().Format(access.ExpiryLayout)
}

// version shows the server's version and host key.
func version(_ context.Context, c *call) error {
	fmt.Fprintf(c, "pushboat %s\nhost key %s\n", c.Version, c.HostKey)
	return nil
}
