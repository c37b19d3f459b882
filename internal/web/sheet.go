package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// This file has sheets: pages about one app, found out and drawn once for all who have them
// open and may see the same. Each is good for a moment, unless its app moves. A page of an
// app lists objects on its cluster and reads records in Git, so fifty of them, each drawn
// anew for every change, would take more than the deploy of which they tell.

const (
	// sheetRest is the least time from the beginning of one drawing to that of the next, for
	// pages that are open. Somebody who opens one does not wait for it.
	sheetRest = 300 * time.Millisecond
	// maxSheets bounds the pages that are kept; one has up to 100 KB.
	maxSheets = 64
)

// sheets are pages about apps that were drawn a moment ago.
type sheets struct {
	moves func() mover
	clock func() time.Time

	mu    sync.Mutex
	moved mover // nil: nobody has looked for a while
	made  map[sheetKey]*sheet
	rest  *time.Timer
}

// sheetKey is all that a sheet depends on, but for what its app does.
type sheetKey struct {
	app   name.App
	shows string // which page, and what its reader may see of it
}

// sheet is a page, without what is around it.
type sheet struct {
	at    time.Time // when its drawing began
	moved bool      // its app has, since then
	drawn chan struct{}

	// Once it is drawn:
	html  template.HTML
	since string // what the app was then, see sumText; "" where no stream needs it
	err   error
}

// errUndrawn is for a page whose drawing came to no end.
var errUndrawn = errors.New("the page could not be drawn")

// of returns a page that is good now. Of those who ask for the same at the same time, one
// draws it. With patient, the page may come a moment later, so that it is not drawn too
// often; without, it is never older than what was known when it was asked for.
func (all *sheets) of(ctx context.Context, key sheetKey, patient bool, draw func() (template.HTML, string, error)) (*sheet, error) {
	for {
		s, ours, wait := all.find(key, patient)
		switch {
		case ours:
			all.draw(key, s, draw)
		case wait > 0:
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil, ctx.Err()
			}
			continue
		}
		select {
		case <-s.drawn:
			return s, s.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// find returns the sheet of a key, and whether the caller is to draw it; or how long to wait
// before asking again.
func (all *sheets) find(key sheetKey, patient bool) (s *sheet, ours bool, wait time.Duration) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.noteMoves()
	now := all.clock()
	if s = all.made[key]; s != nil {
		age := now.Sub(s.at)
		switch {
		case !s.moved && age < printAge:
			return s, false, 0
		case s.moved && patient && age < sheetRest:
			return nil, false, sheetRest - age
		}
	}
	if len(all.made) >= maxSheets || all.made == nil {
		all.made = map[sheetKey]*sheet{}
	}
	s = &sheet{at: now, drawn: make(chan struct{}), err: errUndrawn}
	all.made[key] = s
	return s, true, 0
}

// noteMoves marks the pages of apps that have moved. all.mu is held.
func (all *sheets) noteMoves() {
	if all.moved == nil {
		all.moved = all.moves()
		all.rest = time.AfterFunc(boardRest, all.forget)
	}
	all.rest.Reset(boardRest)
	apps, every := all.moved.Take()
	for key, s := range all.made {
		s.moved = s.moved || every
		for _, app := range apps {
			s.moved = s.moved || key.app == app
		}
	}
}

// draw draws a page. One that fails is drawn again for whoever asks next.
func (all *sheets) draw(key sheetKey, s *sheet, draw func() (template.HTML, string, error)) {
	defer close(s.drawn)
	if s.html, s.since, s.err = draw(); s.err != nil {
		all.mu.Lock()
		defer all.mu.Unlock()
		if all.made[key] == s {
			delete(all.made, key)
		}
	}
}

// forget drops all pages: nobody has looked for a while.
func (all *sheets) forget() {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.moved == nil {
		return // it was forgotten while the timer was set anew
	}
	all.moved.End()
	all.moved, all.made = nil, nil
}

// sheet returns a page about the visitor's app: one that was drawn for somebody who may see
// the same, or one that draw draws. That must have nothing in it that is the visitor's alone.
// A page that follows what the visitor has just done is drawn for them.
func (v *visit) sheet(shows string, acted bool, draw func(v *visit) (template.HTML, string, error)) (*sheet, error) {
	drawn := func() (template.HTML, string, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), pageTimeout) // others wait for it, too
		defer cancel()
		its := *v
		its.r = v.r.WithContext(ctx)
		status, ok := v.door.Apps.Seen(v.caller, v.app.App) // once the moves until now have been noted
		if !ok {
			return "", "", errNotFound
		}
		if its.app = status; v.everybody() {
			its.app = publicStatus(status)
		}
		return draw(&its)
	}
	if acted {
		html, since, err := drawn()
		return &sheet{html: html, since: since}, err
	}
	key := sheetKey{v.app.App, fmt.Sprintf("%s %s %s", shows, v.view(), v.r.URL.RequestURI())}
	return v.door.sheets.of(v.r.Context(), key, v.r.Header.Get("HX-Request") != "", drawn)
}

// view is what tells visitors apart as to what they see of their app: two of whom it is the
// same see the same.
func (v *visit) view() string {
	rights := []bool{v.everybody(), v.allows(access.ReadLogs, v.app), v.allows(access.Rollback, v.app)}
	for _, a := range actions() {
		rights = append(rights, v.allows(a.Right, v.app))
	}
	needs, neededBy := v.door.Apps.Engine.Neighbours(v.app.App)
	var neighbours []name.App
	for _, list := range [][]name.App{needs, neededBy} {
		for _, status := range v.seenOf(list) {
			neighbours = append(neighbours, status.App)
		}
	}
	return fmt.Sprintf("%t %q %q", rights, neighbours, v.fill("ssh HOST ssh://HOST/"))
}
