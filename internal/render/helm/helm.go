// Package helm renders a chart as helm template does, from the files of a
// revision and the values of an app: with the versions and kinds of the real
// cluster, without lookups, name servers or network, and only if the outcome is
// the same at every check.
package helm

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// Cluster is what charts may ask about the cluster (.Capabilities).
type Cluster struct {
	Version string   `json:"version"` // as v1.37.2
	APIs    []string `json:"apis"`    // group/version, and group/version/Kind
	Partial bool     `json:"-"`       // some APIs did not answer, and are not among them
}

// Release is what a chart is rendered for.
type Release struct {
	Name      string       `json:"name"`
	Namespace string       `json:"namespace"` // of objects that name none
	Settings  appfile.Helm `json:"settings"`
	Cluster   Cluster      `json:"cluster"`
	// Generated are the values that Settings.Generated names, by their paths.
	Generated map[string]string `json:"generated,omitempty"`
	// Marks are put behind names that stand alone and without quotes in what the
	// chart renders to; nil for none.
	Marks *substitute.Marks `json:"-"`
	// Chart is the chart of a registry that is rendered; nil for that in the folder.
	Chart *Wanted `json:"chart,omitempty"`
	// SkipCRDs leaves out what is in the folders crds.
	SkipCRDs bool `json:"-"`
	// Inflated says that a kustomization has the chart, and gives its values.
	Inflated bool `json:"-"`
	// Fetched are the charts of registries that are at hand.
	Fetched []Fetched `json:"-"`
	// Want is told of each that is lacking; nothing is rendered then.
	Want func(Wanted) `json:"-"`
	// Asks is called if what the chart renders to may depend on the cluster; it may be
	// nil.
	Asks func() `json:"-"`
}

// Wanted is a chart of a registry that is needed.
type Wanted struct {
	charts.Ref
	Digest string          `json:"digest,omitempty"` // that it must have; "": that of when it was first seen
	Source manifest.Source `json:"source"`           // where it is named
	Folder string          `json:"folder,omitempty"` // of the chart that depends on it; "" for an app's own
}

// Fetched is a chart of a registry that is at hand.
type Fetched struct {
	charts.Ref
	File string `json:"file"` // its archive, in the revision that is rendered
}

// Find returns the Chart.yaml of a folder, or "" if it has none.
func Find(fsys fs.FS, folder string) string {
	name := path.Join(folder, "Chart.yaml")
	if info, err := fs.Stat(fsys, name); err != nil || info.IsDir() {
		return ""
	}
	return name
}

// Render renders the chart in a folder of the revision whose root is fsys. Each
// object has the template that it came out of, with the line as far as that can
// be told. What is a hook to Helm is an object with Helm's annotations.
//
// As for helm template, .Release.IsInstall is true and the revision 1: what is
// rendered depends on the repository and the cluster's version alone, not on
// what was deployed before.
func Render(ctx context.Context, fsys fs.FS, folder string, release Release) ([]*manifest.Object, manifest.Problems) {
	r := &renderer{fsys: fsys, folder: folder, base: folder, release: release}
	r.render(ctx)
	return r.objects, r.problems
}

// renderer holds what is known while one chart is rendered.
type renderer struct {
	fsys    fs.FS
	folder  string // of the chart; for one of a registry the name of its archive
	base    string // from which the files of values are named
	release Release

	lacking  bool // a chart that was asked for
	chart    *chart.Chart
	top      common.Values // that its templates are given
	chance   *chance       // that they have used
	trials   trials
	written  []valuesFile // the values that were given, for the lines of mistakes
	objects  []*manifest.Object
	problems manifest.Problems
}

func (r *renderer) add(file string, line int, message, hint string) {
	r.problems = append(r.problems, manifest.Problem{
		Source: manifest.Source{File: file, Line: line}, Message: message, Hint: hint,
	})
}

func (r *renderer) chartFile() string { return path.Join(r.folder, "Chart.yaml") }

func (r *renderer) render(ctx context.Context) {
	if r.loadChart(); len(r.problems) > 0 || r.lacking {
		return
	}
	values := r.readValues()
	if len(r.problems) > 0 {
		return
	}
	if r.setGenerated(values); len(r.problems) > 0 {
		return
	}
	top := r.renderValues(values)
	if len(r.problems) > 0 {
		return
	}
	if r.release.Asks != nil && asks(r.chart, top["Values"]) {
		r.release.Asks()
	}
	files, again := r.execute(ctx, top)
	if len(r.problems) > 0 {
		return
	}
	var outputs []output
	for _, crd := range r.definitions() {
		outputs = append(outputs, output{name: crd.Filename, text: string(crd.File.Data)})
	}
	for _, name := range sorted(files) {
		if !isNotes(name) {
			outputs = append(outputs, output{name: name, text: files[name], again: again[name]})
		}
	}
	r.parseAll(ctx, outputs)
}

// output is what a template has rendered to, and what is read of it.
type output struct {
	name, text string
	again      string // what it renders to another time; "" where no chance is in it
	objects    []*manifest.Object
	problems   manifest.Problems
	differing  []string // see compare
}

// parseAll reads the objects of all outputs, several at a time: that is most of
// the time that a chart takes.
func (r *renderer) parseAll(ctx context.Context, outputs []output) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range outputs {
		group.Go(func() error {
			r.parse(&outputs[i])
			return nil
		})
	}
	_ = group.Wait() // problems are in the outputs
	for _, o := range outputs {
		r.objects = append(r.objects, o.objects...)
		r.problems = append(r.problems, o.problems...)
	}
	for _, o := range outputs {
		if len(o.differing) > 0 {
			r.objects = nil // what was made up is nothing to say more about
			r.chanceProblem(ctx, o)
		}
	}
}

// definitions are those of the chart that are wanted.
func (r *renderer) definitions() []chart.CRD {
	if r.release.SkipCRDs {
		return nil
	}
	return r.chart.CRDObjects()
}

// ParseVersion reads a version of Kubernetes, as v1.37.2 or 1.37.
func ParseVersion(text string) (*common.KubeVersion, error) {
	version, err := common.ParseKubeVersion(text)
	if err != nil {
		return nil, fmt.Errorf("read the version of Kubernetes %q: %w", text, err)
	}
	return version, nil
}

// capabilities are what the chart is told of the cluster.
func (r *renderer) capabilities() (*common.Capabilities, error) {
	version, err := ParseVersion(r.release.Cluster.Version)
	if err != nil {
		return nil, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	capabilities.APIVersions = r.release.Cluster.APIs
	return capabilities, nil
}

// renderValues puts together what templates are given.
func (r *renderer) renderValues(values map[string]any) common.Values {
	capabilities, err := r.capabilities()
	if err != nil {
		r.add(r.chartFile(), 0, err.Error(), "")
		return nil
	}
	if wanted := r.chart.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.String()) {
		r.add(r.chartFile(), 0, fmt.Sprintf("the chart wants Kubernetes %s, and the cluster has %s", wanted, capabilities.KubeVersion.Version), "take a version of the chart for this cluster")
		return nil
	}
	if err := chartutil.ProcessDependencies(r.chart, values); err != nil {
		r.add(r.chartFile(), 0, fmt.Sprintf("dependencies: %v", err), "")
		return nil
	}
	namespace := r.release.Namespace
	if namespace == "" {
		namespace = "default"
	}
	options := common.ReleaseOptions{Name: r.release.Name, Namespace: namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValuesWithSchemaValidation(r.chart, values, options, capabilities, true)
	if err != nil {
		r.add(r.chartFile(), 0, err.Error(), "")
		return nil
	}
	if r.checkReferences(r.chart); len(r.problems) > 0 {
		return nil
	}
	if merged, ok := top["Values"].(common.Values); ok {
		r.checkSchema(merged)
	}
	return top
}

// separator is the line between two documents.
var separator = regexp.MustCompile(`(?m)^---[ \t]*\r?$`)

// glued is what Helm takes for the end of a document and YAML does not: templates
// that trim white space after the marker leave it at the start of a line.
var glued = regexp.MustCompile(`(?m)^---[ \t]*([^ \t\r\n])`)

// keeping is the head of a block that keeps all line breaks at its end.
var keeping = regexp.MustCompile(`(?m)[|>][0-9]?\+[0-9]?(\s*$|\s+#)`)

// asPrinted is the output of a template as Helm prints it for the cluster: each
// document has a line break more at its end, which is the only one of a template that
// trims the last. Only a block that keeps line breaks can tell between two documents,
// so that the lines of all others stay where they are.
func asPrinted(text string) string {
	text = glued.ReplaceAllString(text, "---\n$1") + "\n"
	if keeping.MatchString(text) {
		text = separator.ReplaceAllString(text, "\n$0")
	}
	return text
}

// parse reads the objects in the output of a template.
func (r *renderer) parse(o *output) {
	file, _ := r.place(o.name, 0)
	objects, problems := r.read(file, o.text)
	if o.again != "" && o.again != o.text {
		again, unread := r.read(file, o.again)
		if len(unread) > len(problems) {
			o.differing = []string{"the text"}
		} else if len(problems) == 0 {
			o.differing = compare(objects, again)
		}
	}
	lines := r.linesOf(file)
	for _, p := range problems {
		if p.Source.Line > 0 {
			p.Message = fmt.Sprintf("line %d of what it renders to: %s", p.Source.Line, p.Message)
		}
		p.Source.Line = 0
		o.problems = append(o.problems, p)
	}
	for _, found := range objects {
		o.objects = append(o.objects, &manifest.Object{
			Unstructured: found.Unstructured,
			Source:       manifest.Source{File: file, Line: lines.next(found.GetKind())},
			Random:       found.Random,
		})
	}
}

// read reads the objects in a text that a template has rendered to.
func (r *renderer) read(file, text string) ([]*manifest.Object, manifest.Problems) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	return manifest.ParseMarked(file, []byte(asPrinted(text)), r.release.Marks.Scalar)
}

func sorted(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Offline is the cluster that helm template imagines: of the version that this
// program is built for, with the kinds that are built into Kubernetes.
func Offline() Cluster {
	known := common.DefaultCapabilities
	return Cluster{Version: known.KubeVersion.Version, APIs: known.APIVersions}
}
