package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/view"
)

func treeFlags(f *pflag.FlagSet) {
	output(f)
	f.Bool("all", false, "a line for each object, and old revisions as well")
}

// appTree is the JSON output of tree.
type appTree struct {
	App      name.App      `json:"app"`
	Revision name.Revision `json:"revision"`
	Sync     deploy.Sync   `json:"sync"`
	Health   string        `json:"health"`
	Objects  []deploy.Node `json:"objects"`
	Partial  []string      `json:"partial,omitempty"` // why something may be missing
}

// tree shows the objects of an app down to their pods.
func tree(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	found, _ := c.Engine.Tree(ctx, status.App)
	all, _ := c.flags.GetBool("all") // the flags are those of treeFlags
	shown := appTree{status.App, status.Revision, status.Sync, status.Health, listed(found.Objects), found.Partial}
	return c.print(shown, func(w io.Writer) { c.printTree(w, shown, all) })
}

func (c *call) printTree(w io.Writer, t appTree, all bool) {
	fmt.Fprintf(w, "%s: %s, %s, %s\n", t.App, dash(t.Revision.Short()), t.Sync, t.Health)
	if len(t.Objects) == 0 {
		fmt.Fprintln(w, "  it has no objects on its cluster")
		return
	}
	c.printNodes(w, foldTree(t.Objects, all), time.Now())
	for _, why := range t.Partial {
		fmt.Fprintf(w, "  not all is shown: %s\n", why)
	}
}

// printNodes writes a table of nodes.
func (c *call) printNodes(w io.Writer, lines []treeLine, now time.Time) {
	t := newTable(w, "OBJECT", "HEALTH", "AGE", "")
	for _, line := range lines {
		cells := line.cells(now)
		cells[0] = strings.Repeat("  ", line.depth) + cells[0]
		t.row(cells[:]...)
	}
	t.print()
}

// treeLine is one line of a tree.
type treeLine struct {
	depth                   int
	object, health, message string
	created                 time.Time
	logs                    string // see podLogs
}

// foldTree makes the lines of a tree, see view.Fold.
func foldTree(nodes []deploy.Node, all bool) []treeLine {
	return linesOf(nil, view.Fold(nodes, all), 0)
}

func linesOf(lines []treeLine, branches []view.Branch, depth int) []treeLine {
	for _, branch := range branches {
		if branch.Alike != nil {
			lines = append(lines, folded(branch.Alike, depth))
			continue
		}
		lines = linesOf(append(lines, lineOf(branch.Node, depth)), branch.Below, depth+1)
	}
	return lines
}

// folded is the line for many objects; their age is that of the oldest.
func folded(nodes []deploy.Node, depth int) treeLine {
	oldest := slices.MinFunc(nodes, func(a, b deploy.Node) int { return a.Created.Compare(b.Created) })
	id := nodes[0].ID
	id.Name = "*"
	line := treeLine{depth: depth, object: id.String(), health: "healthy", created: oldest.Created, message: manifest.Plural(len(nodes), "object")}
	if depth > 0 {
		line.object = id.Kind + " *"
	}
	return line
}

func lineOf(n deploy.Node, depth int) treeLine {
	line := treeLine{depth: depth, object: n.Object, health: n.Health, message: n.Message, created: n.Created, logs: podLogs(n)}
	if depth > 0 { // in the namespace of its owner
		line.object = n.ID.Kind + " " + n.ID.Name
	}
	if n.Drifted {
		line.message = strings.TrimPrefix(line.message+", drifted", ", ")
	}
	return line
}

// overview is the short form of an app's tree: the objects that run pods, and the
// number of others by kind.
func (c *call) overview(w io.Writer, app name.App) {
	nodes := c.Engine.Overview(app)
	var running []deploy.Node
	others := map[string]int{}
	for _, node := range nodes {
		if node.RunsPods() {
			running = append(running, node)
		} else {
			others[node.ID.Kind]++
		}
	}
	if len(running) == 0 {
		return
	}
	lines := foldTree(running, false)
	for i, node := range running {
		if len(lines) == len(running) { // none are folded
			lines[i].object = wordsOf(node.ID, running)
		}
	}
	fmt.Fprintln(w)
	c.printNodes(w, lines, time.Now())
	if text := countKinds(others); text != "" {
		fmt.Fprintf(w, "and %s   (tree %s)\n", text, app)
	}
}

// wordsOf names an object as verbs accept it: deployment/web, with its namespace if the
// objects are in several.
func wordsOf(id manifest.ID, among []deploy.Node) string {
	for _, other := range among {
		if other.ID.Namespace != id.Namespace {
			return strings.ToLower(id.Kind) + "/" + id.Namespace + "/" + id.Name
		}
	}
	return strings.ToLower(id.Kind) + "/" + id.Name
}

// countKinds writes the number of each kind: "3 ConfigMap, 1 Service".
func countKinds(counts map[string]int) string {
	var parts []string
	for _, kind := range sortedKinds(counts) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return strings.Join(parts, ", ")
}

func sortedKinds(counts map[string]int) []string {
	kinds := make([]string, 0, len(counts))
	for kind := range counts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}
