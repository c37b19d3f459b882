// Package command implements the verbs that operators run over SSH: ssh HOST status.
// One table has the words, the help and the arguments of each verb; each verb has a
// file of its own. Results go to standard output, in a form for pipes. Errors go to
// standard error, with the next thing to try.
package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rollback"
	"github.com/pushboat/pushboat/internal/rulebook"
	"github.com/pushboat/pushboat/internal/view"
)

// Session is the caller's end. Package sshd implements it.
type Session interface {
	io.ReadWriter
	// Stderr returns the writer for errors.
	Stderr() io.Writer
	// Caller returns the owner of the session.
	Caller() access.Caller
	// Key returns the key, or the certificate, that the owner has logged in with.
	Key() ssh.PublicKey
	// Gone is closed when the client is gone.
	Gone() <-chan struct{}
	// Terminal says that a person reads at a terminal.
	Terminal() bool
	// Size returns the terminal's columns and rows; 0 if they are not known.
	Size() (columns, rows int)
	// Colour reports whether the terminal shows colours, and the caller wants them.
	Colour() bool
	// Fill replaces HOST in a text with the server's address.
	Fill(text string) string
}

// Desk answers the verbs. Every field is required.
type Desk struct {
	Repos    *git.Store
	Engine   *deploy.Engine
	History  *history.History
	Rollback *rollback.Maker
	Fleet    *fleet.Fleet
	Backups  backup.Source
	Offsite  *offsite.Keeper // of backups in a bucket
	Notifier *notify.Notifier
	Refusals *refusal.Store
	Mirrors  *mirror.Keeper
	Remotes  *mirror.Sender
	Doctor   *doctor.Doctor
	Policy   *access.Policy
	Trail    Trail
	Rules    func() *rules.Rules      // in force, to explain and list them
	Book     *rulebook.Book           // to change them
	KeyFiles func() *access.Directory // of the moment
	Events   *event.Bus
	Web      Web // the pages
	Tokens   *token.Store
	// TokenLife bounds the tokens.
	TokenLife TokenLife
	Leads     Leadership
	Version   string
	HostKey   string // fingerprint of the server's key
	// Recipient is the server's public key, as age and SOPS encrypt for it.
	Recipient string
	// Drain makes the server stop, at an operator's request, and returns the lease by
	// which another server takes over; "" for none.
	Drain func(by string) (lease string)
	// Leaving is closed when the server is about to end: verbs stop following.
	Leaving <-chan struct{}
	Log     *logrus.Entry

	benches benches
}

// Exit statuses of verbs.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitUnknown = 127 // as in shells, for a command that does not exist
)

// addressed is a session whose output has the server's address, as the caller uses it,
// in place of HOST.
type addressed struct{ Session }

// Write writes to the caller's output.
func (a addressed) Write(p []byte) (int, error) { return filled{a.Session, a}.Write(p) }

// Stderr writes to the caller's error output.
func (a addressed) Stderr() io.Writer { return filled{a.Session.Stderr(), a} }

// filled is one of the outputs of a session.
type filled struct {
	io.Writer
	of addressed
}

func (f filled) Write(p []byte) (int, error) {
	if _, err := io.WriteString(f.Writer, f.of.Fill(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// verb is one row of the table.
type verb struct {
	words string       // "repo create"
	right access.Right // that the caller needs on whatever the arguments name; everybody: none
	args  string       // "NAME"; "[APP]" where it may be left out, "[WORD...]" for any number
	help  string       // one line
	also  []form       // other ways to call it
	more  string       // what help VERB adds
	flags func(f *pflag.FlagSet)
	// flagRights has the right that a call takes with a flag, in place of the verb's.
	flagRights map[string]access.Right
	// endless says that the verb may run until its caller ends it, or the server stops.
	endless bool
	// private is how many words of the call go onto the audit trail; what follows is a value.
	// 0: all.
	private int
	// namesValues says that the arguments after the app are paths of generated values.
	namesValues bool
	run         func(ctx context.Context, c *call) error
}

// form is another way to call a verb.
type form struct {
	args  string // as in verb
	help  string
	right access.Right // "": the verb's
}

// everybody is the right of the verbs that show nothing of repositories, and of the server
// only its name: whoever can log in may run them.
const everybody access.Right = "log in"

// right returns the right that the call takes.
func (c *call) right() access.Right {
	for flag, right := range c.verb.flagRights {
		if set, err := c.flags.GetBool(flag); err == nil && set {
			return right
		}
	}
	return c.verb.right
}

// call is a running verb.
type call struct {
	*Desk
	Session
	verb   *verb
	args   []string
	flags  *pflag.FlagSet
	colour bool // output for people has colours
}

// usageError is a call in the wrong form.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// Run runs the verb that the words name, and returns the session's exit status. Without
// words, it greets.
func (d *Desk) Run(ctx context.Context, s Session, words []string) int {
	ctx, cancel := until(ctx, s.Gone())
	defer cancel()
	v, rest := find(words)
	if group := groupOf(words); v == nil && group != "" {
		v, rest = helpVerb(), []string{group}
	}
	if v == nil {
		return d.unknown(addressed{s}, words)
	}
	if v.words != "" && v.words != "help" { // these two show how to call verbs in general
		s = addressed{s}
	}
	if v.endless { // it ends with the server
		var stop context.CancelFunc
		ctx, stop = until(ctx, d.Leaving)
		defer stop()
	}
	c := &call{Desk: d, Session: s, verb: v, flags: pflag.NewFlagSet(v.words, pflag.ContinueOnError)}
	return c.finish(c.do(ctx, rest))
}

// until returns a context that ends with ctx, with a signal, or when cancel is called.
// cancel returns when nothing waits for the signal any more.
func until(ctx context.Context, signal <-chan struct{}) (ended context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		defer end()
		select {
		case <-signal:
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		end()
		listening.Wait()
	}
}

// find returns the verb with the most words that begin the call, and the words after
// them.
func find(words []string) (*verb, []string) {
	for n := min(2, len(words)); n >= 0; n-- {
		name := strings.Join(words[:n], " ")
		for _, v := range verbs() {
			if v.words == name && (n > 0 || len(words) == 0) {
				return v, words[n:]
			}
		}
	}
	return nil, nil
}

// groupOf returns the word of a call that is only the beginning of verbs, such as repo;
// "" for any other call.
func groupOf(words []string) string {
	asks := len(words) == 2 && (words[1] == "--help" || words[1] == "-h")
	if len(words) != 1 && !asks {
		return ""
	}
	for _, v := range verbs() {
		if strings.HasPrefix(v.words, words[0]+" ") {
			return words[0]
		}
	}
	return ""
}

func (c *call) do(ctx context.Context, rest []string) error {
	c.flags.SetOutput(io.Discard)
	help := c.flags.BoolP("help", "h", false, "show help for this verb")
	when := c.flags.String("color", "auto", "colours: auto, always or never")
	c.flags.Lookup("color").NoOptDefVal = "always"
	if c.verb.flags != nil {
		c.verb.flags(c.flags)
	}
	if err := c.flags.Parse(rest); err != nil {
		return usageError{err.Error()}
	}
	var err error
	if c.colour, err = whenColour(*when, c.Colour()); err != nil {
		return err
	}
	c.args = c.flags.Args()
	if *help {
		if to, ok := c.Session.(addressed); ok {
			c.Session = to.Session
		}
		c.helpOn(c.verb)
		return nil
	}
	if err := c.checkArgs(); err != nil {
		return err
	}
	return c.verb.run(ctx, c)
}

// checkArgs checks the number of arguments against the forms of the verb.
func (c *call) checkArgs() error {
	for _, f := range c.verb.also {
		if set, err := c.flags.GetBool(strings.TrimPrefix(f.args, "--")); err == nil && set {
			return checkWords("", c.args)
		}
	}
	err := checkWords(c.verb.args, c.args)
	for _, f := range c.verb.also {
		if err != nil && !strings.HasPrefix(f.args, "--") && checkWords(f.args, c.args) == nil {
			return nil
		}
	}
	return err
}

// checkWords checks the number of arguments against a form.
func checkWords(args string, given []string) error {
	want := strings.Fields(args)
	least, most := 0, len(want)
	for _, arg := range want {
		if !strings.HasPrefix(arg, "[") {
			least++
		}
		if strings.HasSuffix(strings.TrimSuffix(arg, "]"), "...") {
			most = len(given)
		}
	}
	if len(given) < least {
		return usageError{want[len(given)] + " is missing"}
	}
	if len(given) > most {
		return usageError{fmt.Sprintf("%q is too much", given[most])}
	}
	return nil
}

// finish reports an error and returns the exit status.
func (c *call) finish(err error) int {
	to := c.Session
	if inside, ok := to.(addressed); ok {
		to = inside.Session
	}
	if hearer, ok := to.(Hearer); ok && err != nil {
		hearer.Failed(err)
	}
	var usage usageError
	told, special := errors.AsType[*statusError](err)
	switch {
	case err == nil:
		return exitOK
	case special:
		c.explain(told.err)
		return told.status
	case errors.As(err, &usage):
		c.complain(err.Error(), "usage: "+c.verb.usages())
		return exitUsage
	}
	c.explain(err)
	return exitFailed
}

// explain writes an error with the next thing to try.
func (c *call) explain(err error) {
	message, hint := spelling.Explain(err)
	c.complain(message, cmp.Or(hint, "try again; if that does not help, the server's log says more"))
}

func (c *call) complain(message, hint string) {
	out := lines{to: c.Stderr(), colour: c.colour}
	fmt.Fprintf(&out, "error: %s\n%s", manifest.CleanLines(message), report.Hints(hint))
}

// lfs are the commands of Git's large file extension.
var lfs = []string{"git-lfs-authenticate", "git-lfs-transfer"}

func (d *Desk) unknown(s Session, words []string) int {
	if slices.Contains(lfs, words[0]) {
		fmt.Fprint(s.Stderr(), "error: Git LFS is not served here: what is deployed is read from Git itself\n"+
			report.Hints("take the files out of LFS: git lfs migrate export --everything --include='*.yaml'"))
		return exitUnknown
	}
	names := make([]string, 0, len(verbs()))
	for _, v := range verbs() {
		names = append(names, v.words)
	}
	hint := "see the verbs: ssh HOST help"
	if near := manifest.Closest(words[0], names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	fmt.Fprintf(s.Stderr(), "error: %q is no verb\n%s", manifest.Clean(words[0]), report.Hints(hint))
	return exitUnknown
}

// usage returns the form of the verb.
func (v *verb) usage() string { return v.usageOf(v.args) }

func (v *verb) usageOf(args string) string { return strings.TrimSpace(v.words + " " + args) }

// usages returns all forms of the verb.
func (v *verb) usages() string {
	all := []string{v.usage()}
	for _, f := range v.also {
		all = append(all, v.usageOf(f.args))
	}
	return strings.Join(all, ", or ")
}

// output adds the flag -o to a verb that lists.
func output(f *pflag.FlagSet) {
	f.StringP("output", "o", "text", "output format: text or json")
}

// asJSON reports whether the caller wants JSON, and refuses other formats.
func (c *call) asJSON() (bool, error) {
	format, err := c.flags.GetString("output")
	if err != nil {
		return false, err
	}
	if format != "text" && format != "json" {
		return false, usageError{fmt.Sprintf("-o %s: the formats are text and json", format)}
	}
	return format == "json", nil
}

// print writes value as JSON if the caller wants that, else as text.
func (c *call) print(value any, text func(w io.Writer)) error {
	wanted, err := c.asJSON()
	if err != nil {
		return err
	}
	if !wanted {
		text(c.page())
		return nil
	}
	encoder := json.NewEncoder(c)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// listed is a list for -o json, which has [] where it is empty, and never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// app returns the app that a word of the call names, if the caller has the right of the
// call on it, see known.
func (c *call) app(word string) (deploy.Status, error) { return c.appFor(c.right(), word) }

// appFor is app for another right.
func (c *call) appFor(right access.Right, word string) (deploy.Status, error) {
	app, err := name.ParseApp(word)
	if err != nil { // no app can have that name
		return deploy.Status{}, unknownApp(word)
	}
	return c.known(app, right)
}

func unknownApp(word string) error {
	return report.WithHint(fmt.Errorf("app %q %w", word, ErrNotFound), "list the apps: ssh HOST apps")
}

// known checks the caller's right on an app's repository, and returns the app's status.
// A caller who may not see the app is told that it does not exist.
func (c *call) known(app name.App, right access.Right) (deploy.Status, error) {
	status, ok := c.seen(app)
	if !ok {
		return deploy.Status{}, unknownApp(string(app))
	}
	return status, c.checkApps(right, aboutApp(status))
}

// view has the apps of the server, as data.
func (d *Desk) view() view.Apps {
	return view.Apps{Engine: d.Engine, History: d.History, Policy: d.Policy}
}

// seen returns an app's status, see view.Apps.
func (c *call) seen(app name.App) (deploy.Status, bool) {
	status, ok := c.view().Seen(c.Caller(), app)
	return c.placed(status), ok
}

// visible lists the apps that the caller may see, see view.Apps.
func (c *call) visible() []deploy.Status {
	list := c.view().Visible(c.Caller())
	for i := range list {
		list[i] = c.placed(list[i])
	}
	return list
}

// placed has a status name the place of the grant that holds the app, for a caller who may
// read the rules.
func (c *call) placed(status deploy.Status) deploy.Status {
	if status.Forbidden != "" && c.readsRules() {
		status.Forbidden = c.Rules().Grant(status.Repo).Placed(status.Forbidden, status.Repo)
	}
	return status
}
