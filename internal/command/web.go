package command

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/skip2/go-qrcode"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// Web is the door to the pages. Package web has it.
type Web interface {
	// Link makes a link that logs in whoever opens it, once, as the session's caller. The
	// error says why there are no pages, or none now.
	Link(s Session) (WebLink, error)
	// Sessions lists the open sessions of an operator, or of all if operator is "".
	Sessions(operator string) []WebSession
	// End ends a session of an operator, or of anybody if operator is "". It is false if
	// there is none with the id.
	End(operator, id string, by access.Caller) bool
	// Stands says why a key opens neither the pages nor the API for an operator now, from
	// whatever address; nil if it does from some.
	Stands(key ssh.PublicKey, operator string) error
	// API is the address before the paths of the API. The error says why there is none.
	API() (address string, err error)
}

// WebLink is a link to the pages.
type WebLink struct {
	URL     string    `json:"url"`
	Expires time.Time `json:"expires"`
}

// WebSession is a browser that is logged in.
type WebSession struct {
	ID       string    `json:"id"`
	Operator string    `json:"operator"`
	Key      string    `json:"key"` // the fingerprint of the key that it came with
	Address  string    `json:"address"`
	Browser  string    `json:"browser,omitempty"` // as it calls itself
	Began    time.Time `json:"began"`
	Seen     time.Time `json:"seen"` // its last request
	Ends     time.Time `json:"ends"` // without a further request
}

const (
	webHelp = "The link is good once, for a minute, and logs the browser in with the rights of\n" +
		"your key: as they are at each request, until the key ends. Opening it shows a\n" +
		"button, so a program that only looks at links does not use it up. --qr also\n" +
		"draws it for a phone's camera. Example: web --qr"
	webSessionsHelp = "Yours; those of all, if you are an admin. --end ends one: by its id, or all with\n" +
		"--end all. A session also ends with its key, when it is not used, when the\n" +
		"server stops, and by logging out. Example: web sessions --end 3f2c1ab4"
)

func webFlags(f *pflag.FlagSet) {
	output(f)
	f.Bool("qr", false, "also draw the link for a camera")
}

// openWeb prints a link to the pages.
func openWeb(_ context.Context, c *call) error {
	link, err := c.Web.Link(c.Session)
	if err != nil {
		return err
	}
	drawn := ""
	if qr, _ := c.flags.GetBool("qr"); qr { // the flags are those of webFlags
		code, err := qrcode.New(link.URL, qrcode.Low)
		if err != nil {
			return fmt.Errorf("draw the link: %w", err)
		}
		drawn = code.ToSmallString(false)
	}
	return c.print(link, func(w io.Writer) {
		fmt.Fprintf(w, "%s%s\n", drawn, link.URL)
		fmt.Fprintf(w, "open it within %s; it is good once\n", manifest.Roughly(time.Until(link.Expires)+time.Second))
	})
}

func webSessionsFlags(f *pflag.FlagSet) {
	output(f)
	f.String("end", "", "the id of the session to end; all: each of the list")
}

// webSessions lists the browsers that are logged in, or ends some.
func webSessions(_ context.Context, c *call) error {
	whose := c.Caller().Operator
	if c.Policy.Allows(c.Caller(), access.Administer, access.Subject{}) {
		whose = ""
	}
	list := c.Web.Sessions(whose)
	end, _ := c.flags.GetString("end") // the flags are those of webSessionsFlags
	if end == "" {
		return c.print(listed(list), func(w io.Writer) { printWebSessions(w, list, time.Now()) })
	}
	ended := 0
	for _, s := range list {
		if (end == "all" || end == s.ID) && c.Web.End(whose, s.ID, c.Caller()) {
			ended++
			fmt.Fprintf(c, "ended %s of %s\n", s.ID, s.Operator)
		}
	}
	if ended == 0 && end != "all" {
		return report.WithHint(fmt.Errorf("session %q not found", manifest.Clean(end)), "list them: ssh HOST web sessions")
	}
	return nil
}

func printWebSessions(w io.Writer, list []WebSession, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No browser is logged in. Log one in: ssh HOST web")
		return
	}
	table := newTable(w, "SESSION", "OPERATOR", "FROM", "BEGAN", "USED", "BROWSER")
	for _, s := range list {
		table.row(s.ID, s.Operator, s.Address, ago(s.Began, now), ago(s.Seen, now), dash(manifest.Clean(s.Browser)))
	}
	table.print()
}
