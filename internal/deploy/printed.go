package deploy

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/sealed"
)

// This file keeps what hooks have printed. A record is for all who may read the repository's
// deploys, and Git hands it out; what containers print is for fewer. So it is sealed, beside
// the records.

// What is kept of an app at most.
const (
	maxPrintedDeploys = 10       // the newest that have printed something
	maxPrintedBytes   = 64 << 10 // of the lines of one deploy
)

// printedBy is what the hooks of a deploy have printed.
type printedBy struct {
	Deploy int             `json:"deploy"`
	Hooks  []apply.Printed `json:"hooks"`
}

// keepPrinted keeps what the hooks of a deploy have printed. If that cannot be done, the deploy
// stands all the same. Nobody else writes the app's text meanwhile: its worker calls this.
func (e *Engine) keepPrinted(rec record.Record, hooks []apply.Printed) {
	if len(hooks) == 0 || e.Sealed == nil {
		return
	}
	text, err := json.Marshal(withPrinted(e.printed(rec.Repo, rec.App), printedBy{rec.Number, hooks}))
	if err == nil {
		err = e.Sealed.Seal(sealed.Text{Name: printedName(rec.Repo, rec.App), Data: text})
	}
	if err != nil {
		e.Log.WithField("app", rec.App).Warnf("keep what the hooks of %s have printed: %v", rec.ID(), err)
	}
}

// withPrinted adds a deploy, and drops what is too much.
func withPrinted(kept []printedBy, one printedBy) []printedBy {
	room := maxPrintedBytes
	for i, hook := range one.Hooks {
		for _, line := range hook.Lines {
			room -= len(line)
		}
		if room < 0 {
			one.Hooks = one.Hooks[:i]
			break
		}
	}
	kept = append(slices.DeleteFunc(kept, func(k printedBy) bool { return k.Deploy == one.Deploy }), one)
	return kept[max(0, len(kept)-maxPrintedDeploys):]
}

// printed reads what is kept of an app. What cannot be read is not there.
func (e *Engine) printed(repo name.Repo, app name.App) (kept []printedBy) {
	text, err := e.Sealed.Unseal(printedName(repo, app))
	if err == nil {
		err = json.Unmarshal(text.Data, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.Log.WithField("app", app).Warnf("read what its hooks have printed: %v", err)
	}
	return kept
}

func printedName(repo name.Repo, app name.App) sealed.Name {
	return sealed.Name{Repository: repo, App: app, Kind: sealed.Printed}
}

// WithPrinted returns a record with what its hooks have printed. Whoever gets it must be
// allowed to read the logs of the app's containers.
func (e *Engine) WithPrinted(rec record.Record) record.Record {
	if len(rec.Hooks) == 0 {
		return rec
	}
	kept := e.printed(rec.Repo, rec.App)
	at := slices.IndexFunc(kept, func(k printedBy) bool { return k.Deploy == rec.Number })
	if at < 0 {
		return rec
	}
	lines := map[string][]string{}
	for _, hook := range kept[at].Hooks {
		lines[apply.HookKey(hook.Phase, hook.Key)] = hook.Lines
	}
	rec.Hooks = slices.Clone(rec.Hooks)
	for i, hook := range rec.Hooks {
		rec.Hooks[i].Printed = lines[apply.HookKey(hook.Phase, hook.Key)]
	}
	return rec
}
