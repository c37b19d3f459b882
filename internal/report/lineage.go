package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Lineage is an app that an object of another tool means: which object that is, which app
// makes it, and what that one has changed in it.
type Lineage struct {
	App       name.App
	Depth     int      // below the root of the tree, 0 for the root
	Parent    name.App // "" for a root
	Object    string   // the kind of the object, its namespace and its name
	Source    manifest.Source
	Inherited []manifest.Source
}

// maxLineages bounds the lines of a tree of apps.
const maxLineages = 40

// WriteLineages writes a tree of apps, each below the one that makes it.
func WriteLineages(w io.Writer, all []Lineage) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(w, "apps by the objects that mean them, each below the one that makes it:")
	for i, one := range all {
		if i == maxLineages {
			fmt.Fprintf(w, "  ... and %d more\n", len(all)-i)
			return
		}
		fmt.Fprintln(w, manifest.Clean(strings.Repeat("  ", one.Depth+1)+one.String()))
	}
}

// String names the app, its object, and where it has inherited something.
func (l Lineage) String() string {
	if l.Object == "" {
		return string(l.App)
	}
	kind, _, _ := strings.Cut(l.Object, " ")
	return fmt.Sprintf("%s  (%s %s%s)", l.App, kind, l.Source, l.changed())
}

// changed says where the parent has changed the object.
func (l Lineage) changed() string {
	if len(l.Inherited) == 0 {
		return ""
	}
	places := make([]string, len(l.Inherited))
	for i, at := range l.Inherited {
		places[i] = at.String()
	}
	return ", changed at " + strings.Join(places, ", ")
}

// OutlinedLineage is a Lineage as data. Places are FILE:LINE, or FILE alone.
type OutlinedLineage struct {
	Object    string   `json:"object"`
	At        string   `json:"at"`
	Parent    name.App `json:"parent,omitempty"` // the app that makes the object
	ChangedAt []string `json:"changedAt,omitempty"`
}

// Outlined returns the lineage as data; nil for an app that no object means.
func (l Lineage) Outlined() *OutlinedLineage {
	if l.Object == "" {
		return nil
	}
	outlined := &OutlinedLineage{Object: l.Object, At: l.Source.String(), Parent: l.Parent}
	for _, at := range l.Inherited {
		outlined.ChangedAt = append(outlined.ChangedAt, at.String())
	}
	return outlined
}

// words are the lineage in one line.
func (l *OutlinedLineage) words() string {
	text := l.Object + ", " + l.At
	if l.Parent != "" {
		text += ", made by " + string(l.Parent)
	}
	if len(l.ChangedAt) > 0 {
		text += ", changed at " + strings.Join(l.ChangedAt, ", ")
	}
	return text
}
