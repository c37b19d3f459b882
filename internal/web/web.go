// Package web is the door for browsers: pages that show what the verbs show, to whom the
// verbs would show it. It finds out nothing by itself. One table has its routes, each with
// the right that it takes, and what that is about; the door asks package access before a
// page begins (routes.go). What changes something is done by the verbs themselves
// (action.go).
//
// Programs come to the API, under /api/v1, with a token (api.go). It answers with what the verbs
// print, by running them.
//
// Nobody logs in here. The verb web, over ssh, makes a link that is good once (link.go).
// Whoever opens it has the rights of the key that asked for it, as they are at each request,
// until that key ends (session.go).
package web

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/view"
)

// Keys says whose a key is, for the address from which it is used, now. Package access has
// it, and the ssh door asks the same.
type Keys interface {
	Identify(key ssh.PublicKey, remote net.Addr) (access.Operator, error)
	// Holder is Identify from whatever address.
	Holder(key ssh.PublicKey) (access.Operator, error)
}

// Trail is the audit trail. Package audit has it.
type Trail interface {
	// Write returns when the events are on disk. With an error, nothing is done.
	Write(events ...audit.Event) error
	// Note has events written soon.
	Note(events ...audit.Event)
	// NoteLimited is Note with a quota for the source of the event.
	NoteLimited(source string, e audit.Event)
}

// Config has the parts and the limits of a Door. Every field is required, but for those
// that say otherwise.
type Config struct {
	// Closed is the reason why no page is served, with what to set; nil if they are.
	Closed error
	// Base is the address of the pages as browsers write it, "https://pushboat.example.org",
	// without a slash at its end.
	Base string
	// Loopback says that only this machine reaches the pages, under any of its own names.
	Loopback bool
	// Proxied says that requests come from a proxy that has ended TLS, and that says in
	// X-Forwarded-For whose they are.
	Proxied bool
	// Everybody are patterns of repositories that whoever reaches the pages may look at
	// without logging in; "": none.
	Everybody access.Globs
	// Idle is how long a session lasts without a request, and Longest how long in all.
	Idle, Longest time.Duration

	Keys   Keys
	Apps   view.Apps
	Events *event.Bus
	Tokens *token.Store
	Trail  Trail
	// Refusals has pushes that the gate has refused.
	Refusals *refusal.Store
	// Mirrors hear webhooks of upstreams.
	Mirrors Mirrors
	// Elsewhere tells how mirrors and remotes do; nil: nobody does.
	Elsewhere func() []mirror.Standing
	// Run runs a verb for a session, and returns its exit status, see command.Desk.
	Run func(ctx context.Context, s command.Session, words []string) int
	Log *logrus.Entry
}

// Door serves the pages.
type Door struct {
	Config
	clock    func() time.Time
	host     string // of Base
	secure   bool   // browsers speak TLS
	handler  http.Handler
	ways     http.ServeMux // has the routes of pages alone, see leadsToPage
	pages    map[string]*template.Template
	links    links
	sessions sessions
	board    board
	hub      hub
	vigil    vigil
	sheets   sheets
	crowd    crowd
	strikes  crowd // tokens that are not good, by address
	calls    calls
	written  func() ([]byte, error) // the document of the API
	began    string                 // names this start of the server, in cursors of events
	work     work
	trials   chan struct{} // holds one for each question of why that is being looked into
}

// New makes a door. It is open until Stop.
func New(config Config) (*Door, error) {
	d := &Door{Config: config, clock: time.Now, trials: make(chan struct{}, maxTrials)}
	d.work.ctx, d.work.cancel = context.WithCancel(context.Background())
	base, err := parseBase(config.Base)
	if err != nil && config.Closed == nil {
		return nil, err
	}
	d.host, d.secure = base.Host, base.Scheme == "https"
	if d.pages, err = parsePages(); err != nil {
		return nil, err
	}
	d.crowd.each, d.crowd.atOnce = perSecond, atOnce
	d.strikes.each, d.strikes.atOnce = strikesPerSecond, strikesAtOnce
	d.written = sync.OnceValues(makeDocument)
	d.began = strconv.FormatInt(time.Now().UnixNano(), 36)
	now := func() time.Time { return d.clock() }
	d.links.now = now
	d.sessions.now, d.sessions.idle, d.sessions.longest = now, config.Idle, config.Longest
	d.board.clock, d.board.source = now, source{
		apps: d.Apps.Engine.Apps, status: d.Apps.Engine.Status, moves: func() mover { return d.Apps.Engine.Moves() },
	}
	d.hub.look = func() []name.App { return d.board.news() }
	d.hub.listen, d.hub.haste = d.Apps.Engine.Listen, d.Apps.Engine.Haste
	d.hub.most, d.hub.lull = hasteMost, hasteLull
	d.sheets.clock, d.sheets.moves = now, d.board.moves
	d.handler = d.guarded(d.router())
	return d, nil
}

// Stop ends streams, and waits for requests and for the verbs that they have begun, until
// ctx ends. A deploy that a verb has begun goes on.
func (d *Door) Stop(ctx context.Context) {
	d.work.close()
	ended := make(chan struct{})
	go func() {
		d.work.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		d.Log.Warn("web: a request has not ended")
	}
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.Closed != nil:
		http.NotFound(w, r)
	case !d.work.begin():
		Unavailable(w, r, "the server stops")
	default:
		defer d.work.group.Done()
		d.handler.ServeHTTP(w, r)
	}
}

// work is what goes on: requests, and verbs that pages have begun.
type work struct {
	ctx    context.Context // ends when the door closes
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// begin counts a piece of work, which calls group.Done at its end. It is false once the door
// closes.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.group.Add(1)
	return true
}

func (w *work) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.cancel()
}

// linkLife is how long a link is good.
const linkLife = time.Minute

// Link makes a link that logs in whoever opens it, once and within a minute, as the caller
// of the session with their key.
func (d *Door) Link(s command.Session) (command.WebLink, error) {
	if d.Closed != nil {
		return command.WebLink{}, d.Closed
	}
	caller := s.Caller()
	expires := d.clock().Add(linkLife)
	token, err := d.links.add(link{
		key: s.Key(), operator: caller.Operator, fingerprint: caller.Fingerprint, fill: filler(s), expires: expires,
	})
	if err != nil {
		return command.WebLink{}, err
	}
	return command.WebLink{URL: d.Base + loginPath + token, Expires: expires.UTC().Truncate(time.Second)}, nil
}

// filler returns the session's Fill without the session.
func filler(s command.Session) func(string) string {
	return strings.NewReplacer("ssh HOST ", s.Fill("ssh HOST "), "ssh://HOST/", s.Fill("ssh://HOST/")).Replace
}

// Sessions lists the sessions that are open now, oldest first: those of an operator, or of
// all if operator is "".
func (d *Door) Sessions(operator string) []command.WebSession {
	var list []command.WebSession
	for _, s := range d.sessions.list() {
		if _, err := d.holder(s); err != nil { // its key has ended since its last request
			d.end(s, err.Error())
			continue
		}
		if operator == "" || s.operator == operator {
			list = append(list, command.WebSession{
				ID: s.id, Operator: s.operator, Key: s.fingerprint, Address: s.address.String(), Browser: s.browser,
				Began: s.began.UTC(), Seen: s.lastSeen().UTC(), Ends: d.sessions.endOf(s).UTC(),
			})
		}
	}
	return list
}

// End ends a session of an operator, or of anybody if operator is "". It is false if there
// is none with the id.
func (d *Door) End(operator, id string, by access.Caller) bool {
	for _, s := range d.sessions.list() {
		if s.id == id && (operator == "" || s.operator == operator) {
			d.end(s, "ended by "+by.Operator)
			return true
		}
	}
	return false
}

// holder returns who holds a session's key now, at the address from which the session was
// used last.
func (d *Door) holder(s *session) (access.Operator, error) { return d.identify(s, s.address) }

var (
	errOtherOperator = errors.New("the key is somebody else's now")
	errOneCommand    = errors.New("the certificate runs one command only")
)

// identify returns who holds a session's key now, used from an address.
func (d *Door) identify(s *session, address net.Addr) (access.Operator, error) {
	return d.whose(s.key, s.operator, address)
}

// whose returns who holds a key now, used from an address: the operator whose it was.
func (d *Door) whose(key ssh.PublicKey, operator string, address net.Addr) (access.Operator, error) {
	op, err := d.Keys.Identify(key, address)
	return holds(op, operator, err)
}

// Stands returns why a key opens neither pages nor the API for an operator, from whatever
// address; nil if it does from some.
func (d *Door) Stands(key ssh.PublicKey, operator string) error {
	op, err := d.Keys.Holder(key)
	_, err = holds(op, operator, err)
	return err
}

// holds returns the holder of a key if they are who had it, and may come in by this door.
func holds(op access.Operator, operator string, err error) (access.Operator, error) {
	switch {
	case err != nil:
		return access.Operator{}, err
	case op.Name != operator:
		return access.Operator{}, errOtherOperator
	case op.Command != "":
		return access.Operator{}, errOneCommand
	}
	return op, nil
}

// end ends a session, and says why on the audit trail.
func (d *Door) end(s *session, why string) {
	if !d.sessions.drop(s) {
		return
	}
	e := audit.Of(audit.SessionEnded, s.caller())
	e.Reason = cmp.Or(why, "logged out")
	d.Trail.Note(e)
	d.Log.WithField("operator", s.operator).Infof("web: session %s ended: %s", s.id, e.Reason)
}
