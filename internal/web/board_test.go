package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/view"
)

// plant is an engine in memory, for boards. It counts the questions about apps.
type plant struct {
	apps   map[name.App]deploy.Status
	moved  []name.App
	all    bool
	asked  int
	ended  int
	clocks time.Time
}

func (p *plant) Take() ([]name.App, bool) {
	moved, all := p.moved, p.all
	p.moved, p.all = nil, false
	return moved, all
}

func (p *plant) End() { p.ended++ }

// set changes an app, and tells of it.
func (p *plant) set(s deploy.Status) {
	p.apps[s.App] = s
	p.moved = append(p.moved, s.App)
}

// newPlant makes a number of apps of the repository shop, called a0000 and so on.
func newPlant(n int) *plant {
	p := &plant{apps: map[name.App]deploy.Status{}, clocks: time.Now()}
	for i := range n {
		p.set(fine(name.App(fmt.Sprintf("a%04d", i))))
	}
	return p
}

// fine is an app without trouble.
func fine(app name.App) deploy.Status {
	return deploy.Status{
		App: app, Repo: "shop", Cluster: "default", Sync: deploy.InSync, Health: "healthy", Objects: 4,
		Last: &record.Record{App: app, Number: 1, Operator: "ana", Result: record.Deployed, Started: time.Now()},
	}
}

func (p *plant) source() source {
	return source{
		apps: func() (all []name.App) {
			for app := range p.apps {
				all = append(all, app)
			}
			slices.Sort(all)
			return all
		},
		status: func(app name.App) (deploy.Status, bool) {
			p.asked++
			s, ok := p.apps[app]
			return s, ok
		},
		moves: func() mover { return p },
	}
}

func (p *plant) board() *board {
	return &board{source: p.source(), clock: func() time.Time { return p.clocks }}
}

func namesOf(cards []*card) (names []name.App) {
	for _, c := range cards {
		names = append(names, c.App)
	}
	return names
}

func TestBoardAsksForWhatHasMoved(t *testing.T) {
	p := newPlant(1000)
	b := p.board()
	if n := len(b.look()); n != 1000 || p.asked != 1000 {
		t.Fatalf("%d cards, of %d questions", n, p.asked)
	}
	before := b.look()
	sick := fine("a0500")
	sick.Health = "failing"
	p.set(sick)
	p.asked = 0
	after := b.look()
	if p.asked != 1 || after[500].Health != "failing" || after[500].urgency != view.Urgent || before[500].Health != "healthy" {
		t.Errorf("%d questions; before %q, after %q", p.asked, before[500].Health, after[500].Health)
	}
	if moved := b.news(); !slices.Equal(moved, []name.App{"a0500"}) {
		t.Errorf("there moved %q", moved)
	}
	if moved := b.news(); len(moved) > 0 {
		t.Errorf("then moved %q", moved)
	}
	p.moved = []name.App{"a0001"} // something that is not shown
	if moved := b.news(); len(moved) > 0 {
		t.Errorf("without a change moved %q", moved)
	}
}

// TestBoardHasWhatNothingTellsOf: what depends on clocks and clusters is seen by a look at
// all, within the age that is asked for.
func TestBoardHasWhatNothingTellsOf(t *testing.T) {
	for what, look := range map[string]func(b *board) []*card{
		"pages": func(b *board) []*card { return b.look() },
		"moves": func(b *board) []*card { b.news(); return b.cards },
	} {
		p := newPlant(3)
		b := p.board()
		b.look()
		shut := fine("a0001")
		shut.Window = &deploy.Closed{}
		p.apps["a0001"] = shut
		p.clocks = p.clocks.Add(boardAge - 1)
		if look(b)[1].Window != nil {
			t.Errorf("%s: too early", what)
		}
		p.clocks = p.clocks.Add(1)
		if look(b)[1].Window == nil {
			t.Errorf("%s: too late", what)
		}
		away := fine("a0002")
		away.Outage = &deploy.Outage{}
		p.apps["a0002"], p.all = away, true
		if look(b)[2].Outage == nil {
			t.Errorf("%s: the bell rang for all", what)
		}
	}
}

func TestBoardKnowsWhoComesAndGoes(t *testing.T) {
	for what, change := range map[string]func(p *plant){
		"they tell":   func(*plant) {},
		"the look at": func(p *plant) { p.moved, p.clocks = nil, p.clocks.Add(boardAge) },
	} {
		p := newPlant(4)
		b := p.board()
		b.look()
		delete(p.apps, "a0000")
		gone := fine("a0002")
		gone.Sync = deploy.Gone
		p.set(gone)
		p.set(fine("a0009"))
		p.set(fine("a00005"))
		delete(p.apps, "a0003")
		p.moved = append(p.moved, "a0000", "a0003", "a0003")
		change(p)
		moved := b.news()
		slices.Sort(moved)
		if !slices.Equal(moved, []name.App{"a0000", "a00005", "a0002", "a0003", "a0009"}) {
			t.Errorf("%s: there moved %q", what, moved)
		}
		if got := namesOf(b.cards); !slices.Equal(got, []name.App{"a00005", "a0001", "a0009"}) {
			t.Errorf("%s: the board has %q", what, got)
		}
	}
}

func TestBoardIsForgottenAndMadeAnew(t *testing.T) {
	p := newPlant(2)
	b := p.board()
	b.look()
	b.forget()
	b.forget() // its timer may ring twice
	if p.ended != 1 || b.cards != nil {
		t.Errorf("ended %d times, %d cards are kept", p.ended, len(b.cards))
	}
	p.moved = []name.App{"a0001"}
	if n := len(b.look()); n != 2 {
		t.Errorf("then it has %d cards", n)
	}
	if moved := b.news(); len(moved) > 0 {
		t.Errorf("a board that begins tells of %q", moved)
	}
}

// TestSumCounts: whatever a list shows of an app is in its sum.
func TestSumCounts(t *testing.T) {
	base := sumOf(fine("shop"))
	for what, change := range map[string]func(s *deploy.Status){
		"app": func(s *deploy.Status) { s.App = "blog" }, "repository": func(s *deploy.Status) { s.Repo = "blog" },
		"branch": func(s *deploy.Status) { s.Branch = "next" }, "cluster": func(s *deploy.Status) { s.Cluster = "b" },
		"folder": func(s *deploy.Status) { s.Path = "x" }, "revision": func(s *deploy.Status) { s.Revision = "1" },
		"sync": func(s *deploy.Status) { s.Sync = deploy.Held }, "health": func(s *deploy.Status) { s.Health = "x" },
		"running": func(s *deploy.Status) { s.Running = "shop-2" }, "objects": func(s *deploy.Status) { s.Objects = 260 },
		"trouble": func(s *deploy.Status) { s.Trouble = "x" }, "forbidden": func(s *deploy.Status) { s.Forbidden = "x" },
		"unrendered": func(s *deploy.Status) { s.Unrendered = "x" }, "fights": func(s *deploy.Status) { s.Fights = make([]deploy.Contest, 1) },
		"no deploy": func(s *deploy.Status) { s.Last = nil }, "sick": func(s *deploy.Status) { s.Sick = make([]deploy.Symptom, 1) },
		"drift": func(s *deploy.Status) { s.Found = make([]deploy.Difference, 1) }, "window": func(s *deploy.Status) { s.Window = &deploy.Closed{} },
		"number":   func(s *deploy.Status) { s.Last = &record.Record{Number: 2, Operator: "ana", Result: record.Deployed} },
		"operator": func(s *deploy.Status) { s.Last = &record.Record{Number: 1, Operator: "ben", Result: record.Deployed} },
		"message": func(s *deploy.Status) {
			s.Last = &record.Record{Number: 1, Operator: "ana", Result: record.Deployed, Message: "x"}
		},
		"result":     func(s *deploy.Status) { s.Last = &record.Record{Number: 1, Operator: "ana", Result: record.Failed} },
		"suspension": func(s *deploy.Status) { s.Suspension = &record.Suspension{} }, "outage": func(s *deploy.Status) { s.Outage = &deploy.Outage{} },
	} {
		s := fine("shop")
		if change(&s); sumOf(s) == base {
			t.Errorf("%s does not count", what)
		}
	}
	if later := fine("shop"); sumOf(later) != base {
		t.Error("the time counts")
	}
}

func TestPrintsAreDrawnOnce(t *testing.T) {
	var p prints
	now := time.Now()
	drawn := 0
	draw := func() (template.HTML, error) { drawn++; return template.HTML(fmt.Sprint(drawn)), nil }
	for i, c := range []struct {
		key   string
		after time.Duration
		want  template.HTML
	}{{"a", 0, "1"}, {"a", printAge - 1, "1"}, {"b", 0, "2"}, {"a", printAge, "3"}} {
		if got, err := p.of(c.key, now.Add(c.after), draw); got != c.want || err != nil {
			t.Errorf("%d: %q, %v, want %q", i, got, err, c.want)
		}
	}
	wrong := errors.New("wrong")
	if _, err := p.of("c", now, func() (template.HTML, error) { return "", wrong }); !errors.Is(err, wrong) {
		t.Errorf("the error is %v", err)
	}
	for i := range 10 * maxPrints {
		_, _ = p.of(fmt.Sprint("key ", i), now, draw)
		if len(p.made) > maxPrints {
			t.Fatalf("%d are kept", len(p.made))
		}
	}
}

// planted has the pages of a house show the apps of a plant.
func (h *house) planted(p *plant) { h.board.source = p.source() }

// TestPagesOfManyAreDrawnOnce: what a page costs does not depend on the number of apps once
// another visitor has been shown the same, and a page has a bounded size.
func TestPagesOfManyAreDrawnOnce(t *testing.T) {
	const apps = 2000
	p := newPlant(apps)
	for i := range apps / 2 { // half of them are deployed right now
		s := fine(name.App(fmt.Sprintf("a%04d", 2*i)))
		s.Running = string(s.App) + "-2"
		p.set(s)
	}
	h := newHouse(t, nil)
	at := time.Now()
	h.clock = func() time.Time { return at }
	h.planted(p)
	p.clocks = at
	ana, ben := &browser{house: h}, &browser{house: h}
	ana.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	ben.logIn(t, h.guest(t, "ben", access.RoleRead))
	first := ana.get(t, "/").Body.String()
	if len(first) > 100_000 || !strings.Contains(first, "and 980 more") || !strings.Contains(first, "2000</b> apps") {
		t.Errorf("the page has %d bytes\n%.3000s", len(first), first)
	}
	p.asked = 0
	at = at.Add(printAge / 2)
	second := ben.get(t, "/").Body.String()
	if p.asked > 0 || len(h.board.prints.made) != 1 {
		t.Errorf("a second page: %d questions, %d pages are drawn", p.asked, len(h.board.prints.made))
	}
	for _, of := range []struct {
		what, page, own, others string
	}{{"ana's", first, ">ana</span>", ben.csrf(t)}, {"ben's", second, ">ben</span>", ana.csrf(t)}} {
		if !strings.Contains(of.page, `class="name"`+of.own) || strings.Contains(of.page, of.others) {
			t.Errorf("%s page is somebody else's\n%.3000s", of.what, of.page)
		}
	}
}

// TestPagesDifferByRights: nobody is shown the page of somebody who may see more.
func TestPagesDifferByRights(t *testing.T) {
	p := newPlant(2)
	secret := fine("vault")
	secret.Repo = "vault"
	p.set(secret)
	h := newHouse(t, func(c *Config) { c.Everybody = "shop" })
	h.planted(p)
	ana, ben, nobody := &browser{house: h}, &browser{house: h}, &browser{house: h}
	ana.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	guest := h.guest(t, "ben", access.RoleRead)
	op := h.keys[guest.caller.Fingerprint]
	op.Repos = "shop"
	h.keys[guest.caller.Fingerprint] = op
	ben.logIn(t, guest)
	for _, c := range []struct {
		who  string
		b    *browser
		sees bool
	}{{"ana", ana, true}, {"ben", ben, false}, {"nobody", nobody, false}, {"ana again", ana, true}, {"ben again", ben, false}} {
		page := c.b.get(t, "/")
		if page.Code != http.StatusOK || strings.Contains(page.Body.String(), "vault") != c.sees || !strings.Contains(page.Body.String(), "app-a0000") {
			t.Errorf("%s: %d\n%s", c.who, page.Code, page.Body)
		}
	}
}

// TestStreamTellsOfWhatItMissed: what moves between a page and its stream is told at once.
func TestStreamTellsOfWhatItMissed(t *testing.T) {
	p := newPlant(2)
	h := newHouse(t, nil)
	h.planted(p)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	live := func() string {
		_, rest, _ := strings.Cut(b.get(t, "/").Body.String(), `hx-sse:connect="`)
		address, _, _ := strings.Cut(rest, `"`)
		return address
	}
	before := live()
	if again := live(); again != before {
		t.Errorf("without a change, the streams are %s and %s", before, again)
	}
	sick := fine("a0001")
	sick.Health = "failing"
	p.set(sick)
	r := newReader()
	b.streamingFrom(t, r, before)
	<-r.read
	if text := <-r.read; text != "event: moved\ndata: \n\n" {
		t.Errorf("the stream of a page that is old says %q", text)
	}
}

// BenchmarkOpenOverviews is what it takes to bring 50 open pages of a server with 10,000 apps
// up to date after one app has changed. Each is of another session of the same rights.
func BenchmarkOpenOverviews(b *testing.B) {
	h := newHouse(b, nil)
	p := newPlant(10_000)
	h.board.source = p.source()
	now := time.Now()
	h.clock = func() time.Time { return now }
	var open []*browser
	for i := range 50 {
		reader := &browser{house: h}
		if i < maxSessionsEach {
			reader.logIn(b, h.guest(b, "ana", access.RoleAdmin))
		} else {
			reader.cookies = open[i%maxSessionsEach].cookies
		}
		open = append(open, reader)
	}
	for _, s := range h.sessions.list() {
		s.pace = rate.NewLimiter(rate.Inf, 1)
	}
	renew := func(r *http.Request) { r.Header.Set("Hx-Request", "true") }
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		now = now.Add(printAge)
		changed := fine("a0500")
		changed.Last.Number = n
		p.set(changed)
		for _, reader := range open {
			if got := reader.send(b, http.MethodGet, "/", nil, renew); got.Code != http.StatusOK {
				b.Fatal(got.Code)
			}
		}
	}
}
