package history

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render/charts"
)

// maxListed is the number of objects, and of culprits, that a message names.
const maxListed = 20

// message writes a record for git log: a subject with the outcome, the changes, and
// trailers for programs. Foreign text in it is indented or cleaned, so that no line of
// it can pass for a trailer.
func message(r record.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s\n\n", r.App, r.Result, r.Revision.Short())
	if r.Message != "" {
		fmt.Fprintf(&b, "  %s\n\n", strings.ReplaceAll(strings.TrimSpace(r.Message), "\n", "\n  "))
	}
	if list := changes(r); list != "" {
		fmt.Fprintf(&b, "%s\n", list)
	}
	trailers := [][2]string{
		{"Deploy", r.ID()},
		{"Operator", r.Operator},
		{"Key", r.Key},
		{"Signers", r.SignedBy.String()},
		{"Push-signer", r.PushBy.String()},
		{"Revision", string(r.Revision)},
		{"Cluster", r.Cluster},
		{"Cause", string(r.Cause)},
	}
	for i, culprit := range r.Culprits() {
		if i == maxListed {
			break
		}
		trailers = append(trailers, [2]string{"Culprit", manifest.Clean(culprit.String())})
	}
	for _, chart := range r.Charts {
		text := fmt.Sprintf("%s %s from %s", chart.Short(), chart.Digest, chart.Repo)
		if chart.Asked != "" {
			text += ", for " + chart.Asked
		}
		trailer := "Chart"
		if chart.Kind == charts.OfArtifact {
			trailer = "Artifact"
		}
		trailers = append(trailers, [2]string{trailer, manifest.Clean(text)})
	}
	for _, source := range r.Sources {
		trailers = append(trailers, [2]string{"Source", manifest.Clean(source.String())})
	}
	trailers = append(trailers, [][2]string{
		{"Result", string(r.Result)},
		{"Changed", strconv.Itoa(r.Changed())},
		{"Warnings", count(r.Warnings)},
		{"Duration", fmt.Sprintf("%.1fs", r.Seconds)},
	}...)
	for _, trailer := range trailers {
		if trailer[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", trailer[0], trailer[1])
		}
	}
	return b.String()
}

// count returns the number of warnings as text; "" for none.
func count(warnings []record.Warning) string {
	if len(warnings) == 0 {
		return ""
	}
	return strconv.Itoa(len(warnings))
}

// changes lists the objects that a deploy has changed, in the log's columns.
func changes(r record.Record) string {
	var lines []string
	for _, o := range r.Objects {
		lines = append(lines, change(o.Action, o.Key))
	}
	for _, key := range r.Deleted {
		lines = append(lines, change(record.Delete, key))
	}
	if more := len(lines) - maxListed; more > 1 {
		lines = append(lines[:maxListed], fmt.Sprintf("  ... and %d more\n", more))
	}
	return strings.Join(lines, "")
}

func change(action record.Action, key string) string {
	id, _ := manifest.ParseKey(key)
	return fmt.Sprintf("  %-10s  %s\n", action, manifest.Clean(id.String()))
}

// deployLine is the trailer that names a record's deploy.
func deployLine(app name.App, number int) string { return "Deploy: " + record.DeployID(app, number) }

// numberOf reads the number of the deploy from a record's message; 0 if it has none.
func numberOf(message string, app name.App) int {
	_, rest, found := strings.Cut(message, "\nDeploy: "+string(app)+"-")
	line, _, _ := strings.Cut(rest, "\n")
	number, err := strconv.Atoi(line)
	if !found || err != nil {
		return 0
	}
	return number
}
