package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const (
	listClustersHelp = "Takes the role read on all repositories, as the verbs below.\n" +
		"Example: cluster list -o json"
	infoHelp = "What is watched there, and how long requests take. IDENTITY is the UID of its\n" +
		"namespace kube-system, by which the server knows it again.\n" +
		"Example: cluster info staging"
	tryHelp = "Asks for its version, who it is, and for the rights that the server needs\n" +
		"there. Changes nothing. Exits 1 if apps could not be deployed.\n" +
		"Example: cluster test staging"
	acceptHelp = "For a cluster that is held because another one answers in its place: from now\n" +
		"on, that one has the name. All its apps are deployed to it, anew if it is empty.\n" +
		"Example: cluster accept staging"
)

// testWithin bounds the questions of cluster test, and of cluster accept.
const testWithin = 30 * time.Second

// listClusters lists the clusters.
func listClusters(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	states := c.Fleet.States(ctx)
	return c.print(states, func(w io.Writer) { printClusters(w, states, time.Now()) })
}

func printClusters(w io.Writer, states []fleet.State, now time.Time) {
	table := newTable(w, "CLUSTER", "KUBERNETES", "APPS", "LABELS", "NAMED BY")
	for _, s := range states {
		version := s.Version
		if s.Outage != nil {
			version = "-"
		}
		table.row(s.Name, dash(manifest.Clean(version)), fmt.Sprint(len(s.Apps)), dash(labels(s.Labels)), s.Place)
		if s.Outage != nil {
			table.note(outage(s.Outage, now))
		}
	}
	table.print()
}

// labels writes labels as kubectl does: "region=eu,tier=prod".
func labels(of map[string]string) string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(of)) {
		list = append(list, key+"="+of[key])
	}
	return strings.Join(list, ",")
}

// clusterNamed checks the caller's right, and that there is a cluster of the name.
func (c *call) clusterNamed() (string, error) {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return "", err
	}
	if c.Fleet.Knows(c.args[0]) {
		return c.args[0], nil
	}
	err := fmt.Errorf("cluster %q %w", manifest.Clean(c.args[0]), ErrNotFound)
	if near := manifest.Closest(c.args[0], c.Fleet.Names()); near != "" {
		return "", report.WithHint(err, "did you mean %s?", near)
	}
	return "", report.WithHint(err, "list the clusters: ssh HOST cluster list")
}

// clusterInfo shows one cluster.
func clusterInfo(ctx context.Context, c *call) error {
	name, err := c.clusterNamed()
	if err != nil {
		return err
	}
	for _, state := range c.Fleet.States(ctx, name) {
		return c.print(state, func(w io.Writer) { printCluster(w, state, time.Now()) })
	}
	return fmt.Errorf("cluster %q %w", name, ErrNotFound)
}

func printCluster(w io.Writer, s fleet.State, now time.Time) {
	if s.Outage != nil {
		fmt.Fprintln(w, outage(s.Outage, now))
	} else {
		fmt.Fprintf(w, "cluster %s: Kubernetes %s\n", s.Name, manifest.Clean(s.Version))
	}
	fmt.Fprintf(w, "named by  %s\n", s.Place)
	if len(s.Labels) > 0 {
		fmt.Fprintf(w, "labels    %s\n", labels(s.Labels))
	}
	for _, key := range slices.Sorted(maps.Keys(s.Annotations)) {
		fmt.Fprintf(w, "annotated %s: %s\n", manifest.Clean(key), manifest.Clean(s.Annotations[key]))
	}
	if s.Identity != nil {
		fmt.Fprintf(w, "identity  %s, since %s\n", manifest.Clean(s.Identity.ID), s.Identity.Since.UTC().Format(time.DateOnly))
	}
	apps := make([]string, len(s.Apps))
	for i, app := range s.Apps {
		apps[i] = string(app)
	}
	fmt.Fprintf(w, "apps      %s\n", dash(strings.Join(apps, ", ")))
	printWatches(w, s.ClusterState, now)
	printLatencies(w, s.ClusterState)
}

// testCluster tries a cluster.
func testCluster(ctx context.Context, c *call) error {
	name, err := c.clusterNamed()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	result := c.Fleet.Try(ctx, name)
	if err := c.print(result, func(w io.Writer) { printTest(w, result) }); err != nil || !result.Failed() {
		return err
	}
	if result.Error != "" {
		return report.WithHint(errors.New(result.Error), "%s", cmp.Or(result.Hint, "see how it is reached: ssh HOST cluster info "+name))
	}
	return report.WithHint(fmt.Errorf("the server lacks rights on cluster %s", name), "config/install/accounts.yaml has what it needs there; see docs/clusters.md")
}

func printTest(w io.Writer, t fleet.Test) {
	if t.Version != "" {
		fmt.Fprintf(w, "cluster %s answers: Kubernetes %s\n", t.Cluster, manifest.Clean(t.Version))
	}
	if t.Program != "" {
		fmt.Fprintf(w, "  the program %s gives the credentials%s\n", t.Program, goodTill(t.Expires))
	}
	for _, lack := range t.Lacks {
		fmt.Fprintf(w, "  the server may not %s\n", lack)
	}
	switch {
	case t.Failed():
	case t.Deploys:
		fmt.Fprintln(w, "  the server may change everything there")
	default:
		fmt.Fprintln(w, "  the server may not change everything there: repositories need a grant with a serviceAccount,\n  or the server the rights for their kinds")
	}
}

// goodTill says when something ends that ends at a time; "" if it does not say.
func goodTill(expires string) string {
	if expires == "" {
		return ""
	}
	return ", good until " + expires
}

// acceptCluster has another cluster take the place of one that it has replaced.
func acceptCluster(ctx context.Context, c *call) error {
	name, err := c.clusterNamed()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	was, is, err := c.Fleet.Accept(ctx, name)
	switch {
	case err != nil:
		return err
	case was == is:
		return report.WithHint(fmt.Errorf("cluster %s is the same as before: there is nothing to accept", name), "see how it is: ssh HOST cluster info %s", name)
	}
	c.Log.WithField("cluster", name).WithField("operator", c.Caller().Operator).WithField("was", was.ID).WithField("is", is.ID).Warn("cluster: another one is accepted in its place")
	_, err = fmt.Fprintf(c, "cluster %s is now the one with the identity %s\nits apps are deployed to it; see: ssh HOST status\n", name, manifest.Clean(is.ID))
	return err
}
