package web

import (
	"errors"
	"html/template"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// sheets are those of the apps of a plant.
func (p *plant) sheets() *sheets { return &sheets{moves: p.source().moves, clock: p.board().clock} }

// press draws pages of one text, and counts them.
type press struct {
	text  template.HTML
	drawn int
}

func (p *press) draw() (template.HTML, string, error) {
	p.drawn++
	return p.text, "", nil
}

func shop(shows string) sheetKey { return sheetKey{"a0000", shows} }

// TestSheetIsDrawnOnceForAll: those who ask while it is being drawn wait for it.
func TestSheetIsDrawnOnceForAll(t *testing.T) {
	all := newPlant(1).sheets()
	begun, goOn := make(chan struct{}), make(chan struct{})
	draw := func() (template.HTML, string, error) { // a second drawing closes a closed channel
		close(begun)
		<-goOn
		return "page", "sum", nil
	}
	var group sync.WaitGroup
	read := func() {
		defer group.Done()
		if s, err := all.of(t.Context(), shop("app"), false, draw); err != nil || s.html != "page" || s.since != "sum" {
			t.Errorf("a reader has %v %v", s, err)
		}
	}
	group.Add(50)
	go read()
	<-begun
	for range 49 {
		go read()
	}
	close(goOn)
	group.Wait()
}

// TestSheetIsGoodForAMoment: until it is old, or its app moves.
func TestSheetIsGoodForAMoment(t *testing.T) {
	for what, test := range map[string]struct {
		change func(p *plant)
		drawn  int
	}{
		"nothing happens":        {func(*plant) {}, 1},
		"it is not yet old":      {func(p *plant) { p.clocks = p.clocks.Add(printAge - 1) }, 1},
		"it is old":              {func(p *plant) { p.clocks = p.clocks.Add(printAge) }, 2},
		"its app moves":          {func(p *plant) { p.set(fine("a0000")) }, 2},
		"another app moves":      {func(p *plant) { p.set(fine("a0001")) }, 1},
		"all apps may have done": {func(p *plant) { p.all = true }, 2},
	} {
		p := newPlant(2)
		all, press := p.sheets(), &press{}
		for range 2 {
			if _, err := all.of(t.Context(), shop("app"), false, press.draw); err != nil {
				t.Fatal(err)
			}
			test.change(p)
		}
		if _, err := all.of(t.Context(), shop("another view"), false, press.draw); err != nil || press.drawn != test.drawn+1 {
			t.Errorf("%s: drawn %d times, and %v", what, press.drawn, err)
		}
	}
}

// TestOpenPagesWaitForARedrawnSheet: while an app moves again and again, pages that are open
// have it drawn with a rest between, and whoever opens one at once.
func TestOpenPagesWaitForARedrawnSheet(t *testing.T) {
	p := newPlant(1)
	all, press := p.sheets(), &press{}
	if _, err := all.of(t.Context(), shop("app"), true, press.draw); err != nil {
		t.Fatal(err)
	}
	p.set(fine("a0000"))
	p.clocks = p.clocks.Add(sheetRest / 3)
	if s, ours, wait := all.find(shop("app"), true); s != nil || ours || wait != sheetRest-sheetRest/3 {
		t.Errorf("an open page: %v %t %s", s, ours, wait)
	}
	p.clocks = p.clocks.Add(sheetRest)
	if s, ours, wait := all.find(shop("app"), true); s == nil || !ours || wait != 0 {
		t.Errorf("after the rest: %v %t %s", s, ours, wait)
	}
	p.set(fine("a0000"))
	if s, ours, wait := all.find(shop("app"), false); s == nil || !ours || wait != 0 {
		t.Errorf("somebody who opens it: %v %t %s", s, ours, wait)
	}
}

// TestSheetThatCannotBeDrawn: whoever waits hears of it, and the next has it drawn again.
func TestSheetThatCannotBeDrawn(t *testing.T) {
	all := newPlant(1).sheets()
	lost := errors.New("lost")
	if _, err := all.of(t.Context(), shop("app"), false, func() (template.HTML, string, error) { return "", "", lost }); !errors.Is(err, lost) {
		t.Errorf("the first has %v", err)
	}
	press := &press{text: "page"}
	if s, err := all.of(t.Context(), shop("app"), false, press.draw); err != nil || s.html != "page" {
		t.Errorf("the second has %v %v", s, err)
	}
	s, _, _ := all.find(shop("other"), false)
	func() {
		defer func() { _ = recover() }()
		all.draw(shop("other"), s, func() (template.HTML, string, error) { panic("a fault") })
	}()
	if _, err := all.of(t.Context(), shop("other"), false, press.draw); !errors.Is(err, errUndrawn) {
		t.Errorf("who waited for a drawing with a fault has %v", err)
	}
}

func TestSheetsAreBoundedAndForgotten(t *testing.T) {
	p := newPlant(1)
	all, press := p.sheets(), &press{}
	for i := range 3 * maxSheets {
		if _, err := all.of(t.Context(), sheetKey{name.App(string(rune('a' + i))), "app"}, false, press.draw); err != nil || len(all.made) > maxSheets {
			t.Fatalf("%d are kept, and %v", len(all.made), err)
		}
	}
	all.forget()
	all.forget()
	if all.made != nil || p.ended != 1 {
		t.Errorf("%d are kept, and ended %d times", len(all.made), p.ended)
	}
}

// TestViewsTellRightsApart: one page is for those who see the same, whoever they are.
func TestViewsTellRightsApart(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Everybody = "*" })
	view := func(who string, role access.Role) string {
		b := &browser{house: h}
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/apps/shop", nil)
		if who != "" {
			b.logIn(t, h.guest(t, who, role))
			for _, c := range b.cookies {
				r.AddCookie(c)
			}
		}
		v := h.visit(httptest.NewRecorder(), r)
		v.app = fine("shop")
		return v.view()
	}
	if view("ana", access.RoleAdmin) != view("ben", access.RoleAdmin) {
		t.Error("two admins do not share a page")
	}
	seen := map[string]string{}
	for what, text := range map[string]string{
		"nobody": view("", ""), "reader": view("cleo", access.RoleRead), "deployer": view("dora", access.RoleDeploy),
	} {
		if other, same := seen[text]; same {
			t.Errorf("%s shares the page of %s", what, other)
		}
		seen[text] = what
	}
}
