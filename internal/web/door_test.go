package web

import (
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/view"
)

// keys are the people of a test: whose key a fingerprint is.
type keys map[string]access.Operator

// changing guards keys where streams are open, which ask for them again and again.
var changing sync.RWMutex

func (k keys) Identify(key ssh.PublicKey, remote net.Addr) (access.Operator, error) {
	changing.RLock()
	defer changing.RUnlock()
	op, ok := k[ssh.FingerprintSHA256(key)]
	if !ok || !op.From.Contain(remote) {
		return access.Operator{}, errors.New("unknown key")
	}
	return op, nil
}

func (k keys) Holder(key ssh.PublicKey) (access.Operator, error) {
	changing.RLock()
	defer changing.RUnlock()
	op, ok := k[ssh.FingerprintSHA256(key)]
	if !ok {
		return access.Operator{}, errors.New("unknown key")
	}
	return op, nil
}

// trail is an audit trail in memory.
type trail struct{ events []audit.Event }

func (t *trail) Write(events ...audit.Event) error {
	changing.Lock()
	defer changing.Unlock()
	t.events = append(t.events, events...)
	return nil
}
func (t *trail) Note(events ...audit.Event)          { _ = t.Write(events...) }
func (t *trail) NoteLimited(_ string, e audit.Event) { _ = t.Write(e) }
func (t *trail) last() audit.Event                   { return t.events[len(t.events)-1] }

// house is a door with the people who come in by it.
type house struct {
	*Door
	keys  keys
	trail *trail
}

const host = "pushboat.example.org"

func newHouse(t testing.TB, change func(*Config)) *house {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	log := logrus.NewEntry(logger)
	h := &house{keys: keys{}, trail: &trail{}}
	config := Config{
		Base: "https://" + host, Idle: time.Hour, Longest: 24 * time.Hour, Keys: h.keys, Trail: h.trail, Log: log,
		Apps:   view.Apps{Engine: &deploy.Engine{}, Policy: access.NewPolicy(log, nil, nil)},
		Events: event.New(10), Refusals: refusal.Open(t.TempDir(), func() error { return nil }),
		Tokens: token.Open(filepath.Join(t.TempDir(), "tokens.json"), func() error { return nil }, log),
	}
	if change != nil {
		change(&config)
	}
	door, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	h.Door = door
	h.hub.listen = func() (<-chan struct{}, func()) { return nil, func() {} } // the engine has nothing to tell
	h.hub.look = func() []name.App { return nil }
	t.Cleanup(func() { door.Stop(t.Context()) })
	return h
}

// guest is somebody's ssh session.
type guest struct {
	command.Session
	caller access.Caller
	key    ssh.PublicKey
}

func (g guest) Caller() access.Caller { return g.caller }
func (g guest) Key() ssh.PublicKey    { return g.key }
func (g guest) Fill(text string) string {
	return strings.ReplaceAll(text, "HOST", "git@git.example.org")
}

func (h *house) guest(t testing.TB, name string, role access.Role) guest {
	t.Helper()
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(name[:1], 32))).Public())
	if err != nil {
		t.Fatal(err)
	}
	op := access.Operator{Name: name, Role: role, Fingerprint: ssh.FingerprintSHA256(key)}
	changing.Lock()
	defer changing.Unlock()
	h.keys[op.Fingerprint] = op
	return guest{caller: op.Caller(&net.TCPAddr{}), key: key}
}

// browser is a browser, which may have a cookie.
type browser struct {
	*house
	cookies []*http.Cookie
	from    string
}

// send sends a request, and keeps the cookies of the answer.
func (b *browser) send(t testing.TB, method, path string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Host, r.RemoteAddr = host, "192.0.2.7:1234"
	if b.from != "" {
		r.RemoteAddr = b.from
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for _, set := range w.Result().Cookies() {
		b.keep(set)
	}
	return w
}

// keep keeps a cookie; that of the session is the first.
func (b *browser) keep(set *http.Cookie) {
	b.cookies = slices.DeleteFunc(slices.Clone(b.cookies), func(c *http.Cookie) bool { return c.Name == set.Name })
	if set.Name == b.cookieName() {
		b.cookies = slices.Insert(b.cookies, 0, set)
		return
	}
	if set.MaxAge >= 0 {
		b.cookies = append(b.cookies, set)
	}
}

func (b *browser) get(t testing.TB, path string) *httptest.ResponseRecorder {
	t.Helper()
	return b.send(t, http.MethodGet, path, nil, nil)
}

// pathOf is the path of a link.
func pathOf(t testing.TB, link command.WebLink) string {
	t.Helper()
	path, ok := strings.CutPrefix(link.URL, "https://"+host)
	if !ok {
		t.Fatalf("the link is %q", link.URL)
	}
	return path
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// logIn opens a link and presses its button.
func (b *browser) logIn(t testing.TB, who guest) *httptest.ResponseRecorder {
	t.Helper()
	link, err := b.Link(who)
	if err != nil {
		t.Fatal(err)
	}
	page := b.get(t, pathOf(t, link))
	found := tokenField.FindStringSubmatch(page.Body.String())
	if page.Code != http.StatusOK || found == nil {
		t.Fatalf("the page of the link: %d\n%s", page.Code, page.Body)
	}
	return b.send(t, http.MethodPost, "/login", url.Values{"token": {found[1]}}, nil)
}

// csrf is the proof in the forms of the browser's session.
func (b *browser) csrf(t testing.TB) string {
	t.Helper()
	s := b.sessions.find(b.cookies[0].Value)
	if s == nil {
		t.Fatal("the browser is not logged in")
	}
	return s.csrf
}

func TestLinkIsGoodOnce(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	link, err := h.Link(ana)
	if err != nil {
		t.Fatal(err)
	}
	path := pathOf(t, link)
	first := &browser{house: h}
	for range 3 { // a link scanner
		if page := first.get(t, path); page.Code != http.StatusOK || len(page.Result().Cookies()) > 0 {
			t.Fatalf("looking at the link: %d, cookies %v", page.Code, page.Result().Cookies())
		}
	}
	token := url.Values{"token": {strings.TrimPrefix(path, loginPath)}}
	in := first.send(t, http.MethodPost, "/login", token, nil)
	if in.Code != http.StatusSeeOther || in.Header().Get("Location") != "/" {
		t.Fatalf("logging in: %d to %q", in.Code, in.Header().Get("Location"))
	}
	if e := h.trail.last(); e.Kind != audit.Login || e.Operator != "ana" || e.Decision != audit.Allowed || e.Door != "web" || e.Address != "192.0.2.7:1234" {
		t.Errorf("on the trail: %+v", e)
	}
	second := &browser{house: h}
	if again := second.send(t, http.MethodPost, "/login", token, nil); again.Code != http.StatusGone || len(second.cookies) > 0 {
		t.Errorf("the link once more: %d, cookies %v", again.Code, second.cookies)
	}
	if e := h.trail.last(); e.Kind != audit.Login || e.Decision != audit.Refused {
		t.Errorf("on the trail: %+v", e)
	}
	if page := second.get(t, path); page.Code != http.StatusGone {
		t.Errorf("the used link shows %d", page.Code)
	}
}

func TestLinkEnds(t *testing.T) {
	for after, want := range map[time.Duration]int{
		0: http.StatusSeeOther, time.Minute - time.Nanosecond: http.StatusSeeOther,
		time.Minute: http.StatusGone, time.Hour: http.StatusGone,
	} {
		h := newHouse(t, nil)
		made := time.Now()
		h.clock = func() time.Time { return made }
		link, err := h.Link(h.guest(t, "ana", access.RoleAdmin))
		if err != nil {
			t.Fatal(err)
		}
		h.clock = func() time.Time { return made.Add(after) }
		b := &browser{house: h}
		token := url.Values{"token": {strings.TrimPrefix(pathOf(t, link), loginPath)}}
		in := b.send(t, http.MethodPost, "/login", token, nil)
		if loggedIn := len(b.cookies) > 0; in.Code != want || loggedIn != (want == http.StatusSeeOther) {
			t.Errorf("after %s: %d, cookies %v", after, in.Code, b.cookies)
		}
	}
}

func TestLinksOfOneAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	first, _ := h.Link(ana)
	for range maxLinksEach {
		if _, err := h.Link(ana); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := h.links.peek(strings.TrimPrefix(pathOf(t, first), loginPath)); ok || len(h.links.open) != maxLinksEach {
		t.Errorf("%d links are open, and the oldest: %v", len(h.links.open), ok)
	}
}

func TestCookie(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	c := b.cookies[0]
	if c.Name != "__Host-pushboat" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 43 {
		t.Errorf("the cookie is %+v", c)
	}
	plain := newHouse(t, func(c *Config) { c.Base, c.Loopback = "http://127.0.0.1:8080", true })
	if c := plain.cookie("x"); c.Name != "pushboat" || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("without TLS, the cookie is %+v", c)
	}
	for kept := range h.sessions.open {
		if strings.Contains(c.Value, string(kept[:])) {
			t.Error("the token itself is kept")
		}
	}
}

// TestSessionIsNotFixed: whatever cookie a browser came with, logging in makes a new one, and
// ends the session of the old one.
func TestSessionIsNotFixed(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	b := &browser{house: h, cookies: []*http.Cookie{{Name: "__Host-pushboat", Value: "chosen-by-somebody-else"}}}
	b.logIn(t, ana)
	first := b.cookies[0].Value
	if first == "chosen-by-somebody-else" {
		t.Fatal("the cookie that the browser came with is its session")
	}
	b.logIn(t, ana)
	if b.cookies[0].Value == first || h.sessions.find(first) != nil {
		t.Error("the former session goes on")
	}
}

func TestSessionEndsWithItsKey(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	for what, change := range map[string]func(op access.Operator) (access.Operator, bool){
		"removed":     func(op access.Operator) (access.Operator, bool) { return op, false },
		"renamed":     func(op access.Operator) (access.Operator, bool) { op.Name = "ben"; return op, true },
		"elsewhere":   func(op access.Operator) (access.Operator, bool) { op.From = "198.51.100.0/24"; return op, true },
		"one command": func(op access.Operator) (access.Operator, bool) { op.Command = "status"; return op, true },
	} {
		b := &browser{house: h}
		b.logIn(t, ana)
		if page := b.get(t, "/help"); page.Code != http.StatusOK {
			t.Fatalf("%s: before, %d", what, page.Code)
		}
		fingerprint := ana.caller.Fingerprint
		was := h.keys[fingerprint]
		now, stays := change(was)
		if h.keys[fingerprint] = now; !stays {
			delete(h.keys, fingerprint)
		}
		if page := b.get(t, "/help"); page.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, page.Code)
		}
		if e := h.trail.last(); e.Kind != audit.SessionEnded || e.Operator != "ana" {
			t.Errorf("%s: on the trail: %+v", what, e)
		}
		h.keys[fingerprint] = was
		if page := b.get(t, "/help"); page.Code != http.StatusUnauthorized {
			t.Errorf("%s: the session came back with the key", what)
		}
	}
}

func TestSessionEndsWithTime(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Idle, c.Longest = time.Hour, 3*time.Hour })
	now := time.Now()
	h.clock = func() time.Time { return now }
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	for step, want := range []int{200, 200, 200, 401} { // each 59 minutes after the one before: the last is within the third hour
		now = now.Add(59 * time.Minute)
		if step == 3 {
			now = now.Add(4 * time.Minute)
		}
		if page := b.get(t, "/help"); page.Code != want {
			t.Errorf("request %d: %d, want %d", step, page.Code, want)
		}
	}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	now = now.Add(time.Hour)
	if page := b.get(t, "/help"); page.Code != http.StatusUnauthorized {
		t.Errorf("after an hour without a request: %d", page.Code)
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	h := newHouse(t, nil)
	ana, ben := &browser{house: h}, &browser{house: h}
	ana.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	ben.logIn(t, h.guest(t, "ben", access.RoleRead))
	if all, own := h.Sessions(""), h.Sessions("ben"); len(all) != 2 || len(own) != 1 || own[0].Operator != "ben" || own[0].Address != "192.0.2.7:1234" {
		t.Errorf("all %+v, ben's %+v", all, own)
	}
	anas := h.Sessions("ana")[0].ID
	if h.End("ben", anas, access.Caller{Operator: "ben"}) {
		t.Error("ben ended ana's session")
	}
	if !h.End("", anas, access.Caller{Operator: "ana"}) || ana.get(t, "/help").Code != http.StatusUnauthorized {
		t.Error("ana's session goes on")
	}
	if ben.get(t, "/help").Code != http.StatusOK {
		t.Error("ben's session ended with ana's")
	}
}

func TestSessionsOfOneAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	first := &browser{house: h}
	first.logIn(t, ana)
	for range maxSessionsEach {
		(&browser{house: h}).logIn(t, ana)
	}
	if n := len(h.Sessions("")); n != maxSessionsEach || first.get(t, "/help").Code != http.StatusUnauthorized {
		t.Errorf("%d sessions, and the first answers", n)
	}
}

func TestLogOut(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	before := b.cookies
	if out := b.send(t, http.MethodPost, "/logout", url.Values{"csrf": {b.csrf(t)}}, nil); out.Code != http.StatusOK || b.cookies[0].MaxAge >= 0 {
		t.Errorf("logging out: %d, %+v", out.Code, b.cookies)
	}
	b.cookies = before
	if page := b.get(t, "/help"); page.Code != http.StatusUnauthorized {
		t.Errorf("with the old cookie: %d", page.Code)
	}
}
