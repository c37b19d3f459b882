package view

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// maxSearched bounds the records of one app that are searched for drift.
const maxSearched = 1000

// Finding is one object of a record of drift.
type Finding struct {
	Deploy string        `json:"deploy"`
	Time   time.Time     `json:"time"`
	Result record.Result `json:"result"` // corrected, or drifted if it was left
	Object string        `json:"object"`
	What   string        `json:"what"`

	Fields  []record.Difference `json:"fields,omitempty"`
	Culprit string              `json:"culprit,omitempty"`
}

// Findings lists the drift of an app that was found since a moment, newest first, and at
// most as many as number says.
func (a Apps) Findings(ctx context.Context, s deploy.Status, since time.Time, number int) ([]Finding, error) {
	list := []Finding{}
	const page = 50
	for before, read := 0, 0; read < maxSearched; read += page {
		records, err := a.History.List(ctx, s.Repo, s.App, before, page)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if r.Started.Before(since) {
				return list, nil
			}
			before = r.Number
			list = append(list, FindingsOf(r)...)
			if len(list) >= number {
				return list[:number], nil
			}
		}
		if len(records) < page {
			break
		}
	}
	return list, nil
}

// FindingsOf lists the objects of which a record says that they had drifted.
func FindingsOf(r record.Record) []Finding {
	if r.Result != record.Corrected && r.Result != record.DriftFound {
		return nil
	}
	var list []Finding
	for _, o := range r.Objects {
		id, ok := manifest.ParseKey(o.Key)
		if !ok || o.Action == record.Unchanged {
			continue
		}
		f := Finding{Deploy: r.ID(), Time: r.Started, Result: r.Result, Object: id.String(), What: "changed", Fields: o.Differences}
		switch {
		case o.Action == record.Create:
			f.What = "was deleted"
		case o.Culprit != nil:
			f.Culprit = o.Culprit.String()
			f.What = "changed by " + f.Culprit
		}
		list = append(list, f)
	}
	for _, key := range r.Deleted {
		if id, ok := manifest.ParseKey(key); ok {
			list = append(list, Finding{Deploy: r.ID(), Time: r.Started, Result: r.Result, Object: id.String(), What: "was there, and is not in Git"})
		}
	}
	return list
}
