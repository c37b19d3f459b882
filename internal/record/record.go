// Package record is the account of a deploy as data: what was deployed, by whom and
// why, how it ended, and how each object was left. The engine writes records and
// package history keeps them; neither has to know the other.
package record

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/render/charts"
)

// Record is the durable account of one deploy.
type Record struct {
	Number    int           `json:"number"` // from 1, per app
	App       name.App      `json:"app"`
	Repo      name.Repo     `json:"repository"`
	Branch    name.Branch   `json:"branch"`
	Revision  name.Revision `json:"revision"`
	Cluster   string        `json:"cluster"`
	Cause     Cause         `json:"cause"`
	Operator  string        `json:"operator"`
	Key       string        `json:"key,omitempty"` // fingerprint of the operator's key
	Push      string        `json:"push,omitempty"`
	Trace     string        `json:"trace,omitempty"`        // the id of the trace that the push is part of
	SignedBy  Signers       `json:"signedBy,omitempty"`     // of the push's commits, where a rule asks for signatures
	PushBy    *PushSigner   `json:"pushSignedBy,omitempty"` // who signed the push itself
	Started   time.Time     `json:"started"`
	Seconds   float64       `json:"seconds"`
	Result    Result        `json:"result"`
	Message   string        `json:"message,omitempty"`   // why the result is not the wanted one
	Digest    string        `json:"digest"`              // of the rendered app, see target.digest
	Content   string        `json:"content,omitempty"`   // of its objects and their place, see contentDigest
	Skipped   name.Revision `json:"skipped,omitempty"`   // the newest revision, while -o skip keeps it from being deployed
	Held      name.Revision `json:"held,omitempty"`      // the revision that stays deployed instead
	Standing  Result        `json:"standing,omitempty"`  // of a record that changed nothing: the result that still stands
	NoPrune   bool          `json:"noPrune,omitempty"`   // objects that leave the revision stay on the cluster
	KeptFor   string        `json:"keptFor,omitempty"`   // why the objects stay when the app is removed, where noPrune does not say it; of a removal, why they have stayed
	Deletes   bool          `json:"deletes,omitempty"`   // the objects are deleted when the app is removed, although noPrune is set
	GivenTo   name.Repo     `json:"givenTo,omitempty"`   // of an app that was removed: the repository to which it is released
	Had       name.Revision `json:"had,omitempty"`       // of a removal: the last revision that has the app
	Formerly  []name.App    `json:"formerly,omitempty"`  // the apps that this one was before it was renamed
	Renamed   name.App      `json:"renamed,omitempty"`   // the app that has all objects of this one, which is removed
	Objects   []Object      `json:"objects,omitempty"`   // objects that this deploy has changed
	Deleted   []string      `json:"deleted,omitempty"`   // manifest.ID keys
	Hooks     []HookResult  `json:"hooks,omitempty"`     // that ran, or failed to
	Stages    []Stage       `json:"stages,omitempty"`    // how it went on, up to its record
	Warnings  []Warning     `json:"warnings,omitempty"`  // of the API server, up to maxRecorded
	Same      int           `json:"unchanged"`           // how many objects stayed as they were
	Cancelled string        `json:"cancelled,omitempty"` // the operator who ended its wait
	Override  string        `json:"override,omitempty"`  // why it was deployed although a window was closed
	Undone    bool          `json:"undone,omitempty"`    // onFailure has the app taken back next

	Charts    []charts.Chart `json:"charts,omitempty"`    // of registries, that it was rendered from
	Sources   []Place        `json:"sources,omitempty"`   // of other repositories, or tags and commits of its own, that it was rendered from
	Generated []string       `json:"generated,omitempty"` // the paths of values that were generated once

	Suspension *Suspension `json:"suspension,omitempty"` // while it lasts
}

// Place is a branch, a tag or a commit of a repository, and where it was.
type Place struct {
	Repo     name.Repo     `json:"repository"`
	Branch   name.Branch   `json:"branch,omitempty"`
	Tag      name.Tag      `json:"tag,omitempty"` // also the highest in a range of versions
	Revision name.Revision `json:"revision"`
}

// String writes the place as "lib v1.2.3 0c9a8b1".
func (p Place) String() string {
	text := string(p.Repo)
	if at := cmp.Or(string(p.Tag), string(p.Branch)); at != "" {
		text += " " + at
	}
	return text + " " + p.Revision.Short()
}

// Stands is the result that tells how the cluster was left.
func (r Record) Stands() Result { return cmp.Or(r.Standing, r.Result) }

// Stays says why the objects of the app stay on the cluster when it is removed, or have stayed;
// "" if they are deleted.
func (r Record) Stays() string {
	switch {
	case r.KeptFor != "":
		return r.KeptFor
	case r.NoPrune && !r.Deletes:
		return appfile.PruneOff
	}
	return ""
}

// StaysFor notes why the objects of the app stay when it is removed; "" if they are deleted.
// NoPrune has to be set.
func (r *Record) StaysFor(why string) {
	r.KeptFor, r.Deletes = why, why == "" && r.NoPrune
	if why == appfile.PruneOff && r.NoPrune {
		r.KeptFor = ""
	}
}

// CarryOn makes the record one that changed nothing of the state that the last one
// left. last is nil if there is none.
func (r *Record) CarryOn(last *Record) {
	if last != nil {
		r.Digest, r.Content, r.Standing = last.Digest, last.Content, last.Stands()
	}
}

// StaysAt notes which revision stays deployed while that of the record waits. last is nil if
// there is none.
func (r *Record) StaysAt(last *Record) {
	if last != nil && r.Digest != "" {
		r.Held = cmp.Or(last.Held, last.Revision)
	}
}

// Keeps returns the revision that an app stays with, if the newest revision of its
// branch was pushed with -o skip. A server that was killed before it could record that
// learns it from asked.
func (r *Record) Keeps(head name.Revision, asked Asked) (revision name.Revision, ok bool) {
	switch {
	case r.Skipped == head:
		return r.Held, true
	case !asked.Skip || asked.Revision != head || r.Revision == head: // it was deployed on request since
		return "", false
	case r.Skipped != "":
		return r.Held, true
	}
	return r.Revision, true
}

// HookFailed reports whether a hook stopped the deploy. One that only was to run
// after a failure did not.
func (r Record) HookFailed() bool {
	return slices.ContainsFunc(r.Hooks, func(h HookResult) bool {
		return h.Result == manifest.EndFailed && h.Phase != manifest.SyncFail.String()
	})
}

// LeftUnbegun reports whether the deploy left a hook of which it is not known if it was made.
func (r Record) LeftUnbegun(key string, phase manifest.Phase) bool {
	return slices.ContainsFunc(r.Hooks, func(h HookResult) bool {
		return h.Result == manifest.EndUnbegun && h.Key == key && h.Phase == phase.String()
	})
}

// Object is one object that a deploy has changed.
type Object struct {
	Key     string         `json:"key"` // manifest.ID key
	Action  Action         `json:"action"`
	Fields  []string       `json:"fields,omitempty"`  // fields that were not as they should be, up to maxFields
	Culprit *owner.Culprit `json:"culprit,omitempty"` // of a correction: who had changed the object

	Differences []Difference `json:"differences,omitempty"` // of a correction, or of drift that was left: the fields with their values
}

// Changed counts the objects that the deploy has changed or deleted.
func (r Record) Changed() int {
	n := len(r.Deleted)
	for _, o := range r.Objects {
		if o.Action != Unchanged && o.Action != Left {
			n++
		}
	}
	return n
}

// Culprits lists the authors of the changes that a correction took back, each once.
func (r Record) Culprits() []owner.Culprit {
	var list []owner.Culprit
	seen := map[string]bool{}
	for _, o := range r.Objects {
		if o.Culprit == nil || seen[o.Culprit.String()] {
			continue
		}
		seen[o.Culprit.String()] = true
		list = append(list, *o.Culprit)
	}
	return list
}

// ID names the deploy: the app, and its number among the app's deploys.
func (r Record) ID() string { return DeployID(r.App, r.Number) }

// DeployID writes a deploy's name: "shop-42".
func DeployID(app name.App, number int) string { return string(app) + "-" + strconv.Itoa(number) }

// ParseDeployID reads the output of DeployID. Its error says what an id looks like.
func ParseDeployID(id string) (app name.App, number int, err error) {
	dash := strings.LastIndexByte(id, '-')
	if dash > 0 {
		number, err = strconv.Atoi(id[dash+1:])
	}
	if err == nil {
		app, err = name.ParseApp(id[:max(dash, 0)])
	}
	if err != nil || number < 1 {
		return "", 0, fmt.Errorf("%q is no deploy; one is written like shop-42 (see history APP)", manifest.Clean(id))
	}
	return app, number, nil
}
