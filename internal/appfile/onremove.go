package appfile

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/name"
)

// Values of App.OnRemove.
const (
	OnRemoveKeep   = "keep"   // the objects stay on the cluster when the app is removed
	OnRemoveDelete = "delete" // they are deleted
)

// PruneOff is why objects stay where prune alone says so.
const PruneOff = "prune: false"

// Making is what makes an app that is imported: with which other object its own one goes. The
// zero Making is that of a root, and of an app of this file's.
type Making struct {
	// Parent is the app whose rendering has the object that means the app.
	Parent name.App `json:",omitempty"`
	// Set is the ApplicationSet in that rendering which makes the object, "NAMESPACE/NAME"; "" for
	// none.
	Set string `json:",omitempty"`
	// OnPrune says why the object stays when the parent's rendering has it no more, and OnRemove
	// why it stays when the parent is removed; "" if it goes.
	OnPrune, OnRemove string `json:",omitempty"`
}

// Keeps says why the app's objects stay on the cluster when it is removed, as far as the app itself
// says it; "" if they are deleted.
func (a App) Keeps() string {
	switch {
	case a.OnRemove == OnRemoveDelete:
		return ""
	case a.OnRemove == OnRemoveKeep && a.OnRemoveBy != "":
		return a.OnRemoveBy
	case a.OnRemove == OnRemoveKeep:
		return "onRemove: keep"
	case !a.Prune:
		return PruneOff
	}
	return ""
}

// Succession is what a revision has that lacks an app which was there before.
type Succession struct {
	Has func(name.App) *App // an app of the revision; nil if it has none of that name
	Had func(name.App) *App // an app that the revision lacks as well; nil if there is none
	Set func(string) bool   // whether the revision has an ApplicationSet
}

// KeptBy says why the app's objects stay on the cluster when a revision lacks the app; "" if they
// are deleted. Other tools delete the objects of an app when they delete the object that means it:
// where that stays, for its parent deletes nothing, so do they.
func (a App) KeptBy(s Succession) string { return a.keptBy(s, maxMaking) }

// maxMaking bounds the parents that are looked at; see meaning.MaxDepth.
const maxMaking = 20

func (a App) keptBy(s Succession, most int) string {
	if why := a.Keeps(); why != "" || a.Made.Parent == "" || most == 0 {
		return why
	}
	if a.Made.Set != "" && s.Set(a.Made.Set) {
		return "" // which deletes what it makes no more
	}
	if parent := s.Has(a.Made.Parent); parent != nil {
		switch {
		case a.Made.OnPrune != "":
			return a.Made.OnPrune
		case !parent.Prune:
			return fmt.Sprintf("app %s, which made it, has %s", parent.Name, PruneOff)
		case parent.Suspended != "":
			return fmt.Sprintf("app %s, which made it, is suspended", parent.Name)
		}
		return ""
	}
	parent := s.Had(a.Made.Parent)
	if a.Made.OnRemove != "" || parent == nil {
		return a.Made.OnRemove
	}
	if why := parent.keptBy(s, most-1); why != "" {
		return fmt.Sprintf("app %s, which made it, stays: %s", parent.Name, why)
	}
	return ""
}
