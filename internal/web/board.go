package web

import (
	"cmp"
	"hash/maphash"
	"html/template"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/view"
)

// This file has the board: what the pages of all apps show, found out once for all who look,
// and again only for the apps that have moved. With 10,000 apps, finding out everything for
// each page that is open would cost more than the deploys of which they tell.

const (
	// boardAge is how old the board may be as far as it depends on clocks, of which nothing
	// tells: windows that open. What apps and clusters do is seen at once.
	boardAge = 5 * time.Second
	// printAge is how old a page may be that others have been shown, where nothing has moved:
	// it says how long ago things were.
	printAge = time.Second
	// boardRest is how long a board is kept that nobody looks at: it has half a KB an app.
	boardRest = time.Minute
)

// source is what a board is made of. deploy.Engine is one.
type source struct {
	apps   func() []name.App // sorted
	status func(app name.App) (deploy.Status, bool)
	moves  func() mover
}

// mover tells which apps may have moved since it was asked last. deploy.Moves is one.
type mover interface {
	Take() (moved []name.App, all bool)
	End()
}

// card is an app on the board. It never changes; when the app does, another takes its place.
type card struct {
	deploy.Status
	urgency view.Urgency
	states  uint8  // the bits of states that it is in
	sum     uint64 // of what is shown of it
	public  atomic.Pointer[card]
}

func newCard(s deploy.Status, sum uint64) *card {
	c := &card{Status: s, urgency: view.UrgencyOf(s), sum: sum}
	for i, state := range states {
		if isIn(s, state) {
			c.states |= 1 << i
		}
	}
	return c
}

// isIn reports whether the app is in a state of the filter.
func (c *card) isIn(state string) bool {
	i := slices.Index(states, state)
	return i >= 0 && c.states&(1<<i) != 0
}

// forEverybody is the card with what everybody may know.
func (c *card) forEverybody() *card {
	if known := c.public.Load(); known != nil {
		return known
	}
	public := newCard(publicStatus(c.Status), c.sum)
	c.public.Store(public)
	return public
}

var seed = maphash.MakeSeed()

// sumOf sums up what is shown of an app in lists, so that two looks can be compared. Times
// that go by count for nothing.
func sumOf(s deploy.Status) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	add := func(texts ...string) {
		for _, text := range texts {
			_, _ = h.WriteString(text) // never fails
			_ = h.WriteByte(0)
		}
	}
	number := func(n int) {
		for range 8 {
			_ = h.WriteByte(byte(n))
			n >>= 8
		}
	}
	add(string(s.App), string(s.Repo), string(s.Branch), s.Path, s.Cluster, string(s.Revision), string(s.Sync), s.Health, s.Running)
	add(s.Trouble, s.Forbidden, s.Unrendered)
	number(s.Objects)
	number(len(s.Fights))
	if s.Last != nil {
		number(s.Last.Number)
		add(string(s.Last.Result), s.Last.Operator, s.Last.Message)
	}
	for _, symptom := range s.Sick {
		add("sick", symptom.Object, symptom.State)
	}
	for _, found := range s.Found {
		add("drift", found.Object, found.What)
	}
	if s.Suspension != nil {
		add("suspended", s.Suspension.By, s.Suspension.Reason)
	}
	if s.Window != nil {
		add("window")
	}
	if s.Outage != nil {
		add("outage", s.Outage.Cluster, s.Outage.Error)
	}
	return h.Sum64()
}

// board has the cards of all apps that have not been removed, by name.
type board struct {
	source
	clock func() time.Time

	mu    sync.Mutex
	moved mover // nil: nobody has looked for a while
	cards []*card
	at    time.Time // when all apps were looked at
	told  map[name.App]struct{}
	rest  *time.Timer

	prints prints
	ended  ended
}

// look returns the cards as they are now, see boardAge. Nobody changes the cards, or their
// list.
func (b *board) look() []*card {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookLocked()
	return b.cards
}

// news returns the apps that have moved since the last call.
func (b *board) news() (moved []name.App) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lookLocked()
	for app := range b.told {
		moved = append(moved, app)
	}
	clear(b.told)
	return moved
}

func (b *board) lookLocked() {
	fresh := b.moved == nil
	if fresh {
		b.moved, b.told = b.moves(), map[name.App]struct{}{}
		b.rest = time.AfterFunc(boardRest, b.forget)
	}
	b.rest.Reset(boardRest)
	moved, all := b.moved.Take() // before the look: what moves meanwhile is looked at the next time
	if now := b.clock(); fresh || all || now.Sub(b.at) >= boardAge {
		b.at = now
		b.lookAtAll()
	} else {
		b.lookAt(moved)
	}
	if fresh {
		clear(b.told) // nobody knew them before
	}
}

// lookAtAll looks at every app.
func (b *board) lookAtAll() {
	apps := b.apps()
	cards := make([]*card, 0, len(apps))
	before := b.cards
	for _, app := range apps {
		for len(before) > 0 && before[0].App < app {
			b.note(before[0].App) // it is gone
			before = before[1:]
		}
		var was *card
		if len(before) > 0 && before[0].App == app {
			was, before = before[0], before[1:]
		}
		if now := b.cardOf(app, was); now != nil {
			cards = append(cards, now)
		}
	}
	for _, gone := range before {
		b.note(gone.App)
	}
	b.cards = cards
}

// lookAt looks at some apps. Who has the cards from before keeps them as they are.
func (b *board) lookAt(apps []name.App) {
	if len(apps) == 0 {
		return
	}
	b.cards = slices.Clone(b.cards)
	for _, app := range apps {
		i, there := slices.BinarySearchFunc(b.cards, app, func(c *card, app name.App) int { return cmp.Compare(c.App, app) })
		var was *card
		if there {
			was = b.cards[i]
		}
		now := b.cardOf(app, was)
		switch {
		case now == nil && there:
			b.cards = slices.Delete(b.cards, i, i+1)
		case now != nil && there:
			b.cards[i] = now
		case now != nil:
			b.cards = slices.Insert(b.cards, i, now)
		}
	}
}

// cardOf makes the card of an app that had another, or nil. It returns nil for one that is
// gone.
func (b *board) cardOf(app name.App, was *card) *card {
	status, ok := b.status(app)
	if !ok || status.Sync == deploy.Gone {
		if was != nil {
			b.note(app)
		}
		return nil
	}
	sum := sumOf(status)
	if was != nil && was.sum == sum {
		return was
	}
	b.note(app)
	return newCard(status, sum)
}

// note notes that an app has moved.
func (b *board) note(app name.App) { b.told[app] = struct{}{} }

// forget drops the board: nobody has looked for a while.
func (b *board) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.moved == nil {
		return // it was forgotten while the timer was set anew
	}
	b.moved.End()
	b.moved, b.cards, b.told = nil, nil, nil
	b.prints.forget()
	b.ended.forget()
}

// visible are the cards that the visitor may see, and a sum by which two such lists can be
// compared. One decision serves all apps of a repository.
func (v *visit) visible(cards []*card) (list []*card, sum uint64) {
	seen := 0
	for _, c := range cards {
		if v.readsDeploys(c.Repo) {
			seen++
			sum = (sum ^ c.sum) * 0x9E3779B97F4A7C15
		}
	}
	if seen == len(cards) {
		return cards, sum
	}
	list = make([]*card, 0, seen)
	for _, c := range cards {
		if v.readsDeploys(c.Repo) {
			list = append(list, c)
		}
	}
	return list, sum
}

// readsDeploys reports whether the visitor may know of a repository's deploys. It asks once.
func (v *visit) readsDeploys(repo name.Repo) bool {
	if v.asked.repo == repo && v.asked.answers != nil { // as of the app before
		return v.asked.answer
	}
	may, known := v.asked.answers[repo]
	if !known {
		may = v.door.Apps.Policy.Allows(v.caller, access.ReadDeploys, access.Subject{Repo: repo})
		if v.asked.answers == nil {
			v.asked.answers = map[name.Repo]bool{}
		}
		v.asked.answers[repo] = may
	}
	v.asked.repo, v.asked.answer = repo, may
	return may
}

// asked are decisions of one visit.
type asked struct {
	answers map[name.Repo]bool
	repo    name.Repo // the last one that was asked for
	answer  bool
}

// maxPrints bounds the pages that are kept.
const maxPrints = 64

// prints are pages that were drawn a moment ago, by all that they depend on: many who look
// at the same at the same time have it drawn once. The zero value has none.
type prints struct {
	mu   sync.Mutex
	made map[string]*print
}

// print is a page.
type print struct {
	at   time.Time
	draw sync.Once
	html template.HTML
	err  error
}

// of returns the page of a key, drawn at most boardAge ago.
func (p *prints) of(key string, now time.Time, draw func() (template.HTML, error)) (template.HTML, error) {
	p.mu.Lock()
	found := p.made[key]
	if found == nil || now.Sub(found.at) >= printAge {
		if len(p.made) >= maxPrints || p.made == nil {
			p.made = map[string]*print{}
		}
		found = &print{at: now}
		p.made[key] = found
	}
	p.mu.Unlock()
	found.draw.Do(func() { found.html, found.err = draw() })
	return found.html, found.err
}

func (p *prints) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = nil
}
