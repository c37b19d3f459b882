package web

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/view"
)

// This file has what is kept from visitors who are not logged in, where everybody may look:
// Secrets, values of fields, and what people, programs and API servers have written. It is
// taken out of the data before any page is made of it.

// kept stands where a text is kept from the visitor.
const kept = "log in to see why"

func keep(text *string) {
	if *text != "" {
		*text = kept
	}
}

// isSecret reports whether an object, written as people read it, is a Secret.
func isSecret(object string) bool { return strings.HasPrefix(object, "Secret ") }

// publicStatus is what everybody may know of an app.
func publicStatus(s deploy.Status) deploy.Status {
	s.Reasons, s.Fights = nil, nil
	for _, text := range []*string{&s.Trouble, &s.Unrendered, &s.Unselected, &s.Forbidden} {
		keep(text)
	}
	s.Sick = slices.Clone(s.Sick)
	for i := range s.Sick {
		s.Sick[i].State, s.Sick[i].Cause = "not healthy", ""
	}
	s.Sick = slices.DeleteFunc(s.Sick, func(o deploy.Symptom) bool { return isSecret(o.Object) })
	s.Drift, s.Left = slices.DeleteFunc(slices.Clone(s.Drift), isSecret), slices.DeleteFunc(slices.Clone(s.Left), isSecret)
	s.Found = slices.DeleteFunc(slices.Clone(s.Found), func(o deploy.Difference) bool { return isSecret(o.Object) })
	if s.Outage != nil {
		outage := *s.Outage
		outage.Hint = ""
		keep(&outage.Error)
		s.Outage = &outage
	}
	if s.Window != nil {
		s.Window = &deploy.Closed{}
	}
	s.Suspension = publicSuspension(s.Suspension)
	if s.Last != nil {
		last := publicRecord(*s.Last)
		s.Last = &last
	}
	return s
}

func publicSuspension(s *record.Suspension) *record.Suspension {
	if s == nil {
		return nil
	}
	return &record.Suspension{By: s.By, Until: s.Until}
}

// publicRecord is what everybody may know of a deploy.
func publicRecord(r record.Record) record.Record {
	keep(&r.Message)
	r.Objects, r.Deleted, r.Hooks, r.Warnings, r.Override = nil, nil, nil, nil, ""
	r.SignedBy, r.PushBy, r.Key, r.Generated, r.Charts, r.Sources = nil, nil, "", nil, nil, nil
	r.Suspension, r.Stages = publicSuspension(r.Suspension), publicStages(r.Stages)
	return r
}

// publicStages are the stages of a deploy without what it waited for.
func publicStages(list []record.Stage) []record.Stage {
	list = slices.Clone(list)
	for i := range list {
		list[i].Waits = nil
	}
	return list
}

func publicRecords(list []record.Record) []record.Record {
	public := make([]record.Record, 0, len(list))
	for _, r := range list {
		public = append(public, publicRecord(r))
	}
	return public
}

// publicNodes are the objects of a tree that everybody may see.
func publicNodes(nodes []deploy.Node) []deploy.Node {
	var list []deploy.Node
	for _, node := range nodes {
		if isSecret(node.Object) {
			continue
		}
		node.Message, node.Children = "", publicNodes(node.Children)
		list = append(list, node)
	}
	return list
}

// publicDrift is what everybody may know of an app's drift.
func publicDrift(d deploy.Drift) deploy.Drift {
	var list []deploy.Deviation
	for _, o := range d.Deviations {
		if !isSecret(o.Object) {
			list = append(list, deploy.Deviation{Object: o.Object, What: o.What})
		}
	}
	d.Deviations, d.Unseen, d.Suspension = list, "", publicSuspension(d.Suspension)
	d.Left = slices.DeleteFunc(slices.Clone(d.Left), isSecret)
	return d
}

// publicFindings are those of past drift that everybody may see.
func publicFindings(list []view.Finding) []view.Finding {
	var public []view.Finding
	for _, f := range list {
		if !isSecret(f.Object) {
			f.Fields = nil
			public = append(public, f)
		}
	}
	return public
}
