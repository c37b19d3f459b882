// Package helm renders a chart as helm template does, from the files of a revision and
// the values of an app: with the versions and kinds of the real cluster, without
// lookups, name servers or network, and only if the result is the same at every check.
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

// Cluster is the data about the cluster that charts may ask for (.Capabilities).
type Cluster struct {
	Version string   `json:"version"` // as v1.37.2
	APIs    []string `json:"apis"`    // group/version, and group/version/Kind
	Partial bool     `json:"-"`       // some APIs did not answer, and are missing
}

// Release holds the parameters of rendering a chart.
type Release struct {
	Name      string       `json:"name"`
	Namespace string       `json:"namespace"` // of objects that name none
	Settings  appfile.Helm `json:"settings"`
	Cluster   Cluster      `json:"cluster"`
	// Generated are the values that Settings.Generated names, by their paths.
	Generated map[string]string `json:"generated,omitempty"`
	// Marks are put behind names that stand alone and without quotes in the chart's
	// output; nil for none.
	Marks *substitute.Marks `json:"-"`
	// Chart is the registry's chart to render; nil for the one in the folder.
	Chart *Wanted `json:"chart,omitempty"`
	// SkipCRDs leaves out the folders crds.
	SkipCRDs bool `json:"-"`
	// Inflated says that a kustomization names the chart, and gives its values.
	Inflated bool `json:"-"`
	// Fetched are the charts from registries that are available.
	Fetched []Fetched `json:"-"`
	// Want is called with each missing chart; nothing is rendered then.
	Want func(Wanted) `json:"-"`
	// Asks is called if the chart's output may depend on the cluster; it may be nil.
	Asks func() `json:"-"`
}

// Wanted is a chart that has to come from a registry.
type Wanted struct {
	charts.Ref
	Digest string          `json:"digest,omitempty"` // required; "": that of the first time it was seen
	Source manifest.Source `json:"source"`           // the place that names it
	Folder string          `json:"folder,omitempty"` // of the chart that depends on it; "" for an app's own
}

// Fetched is an available chart from a registry.
type Fetched struct {
	charts.Ref
	Exact string `json:"exact,omitempty"` // the version that was chosen, if Ref has none; "": whatever it holds
	File  string `json:"file"`            // its archive, in the revision
}

// Find returns the Chart.yaml of a folder, or "" if it has none.
func Find(fsys fs.FS, folder string) string {
	name := path.Join(folder, "Chart.yaml")
	if info, err := fs.Stat(fsys, name); err != nil || info.IsDir() {
		return ""
	}
	return name
}

// Render renders the chart in a folder of the revision whose root is fsys. Each object
// has its template as its source, with the line where that can be known. Helm's hooks
// are objects with Helm's annotations.
//
// As with helm template, .Release.IsInstall is true and the revision 1: the output
// depends only on the repository and the cluster's version, not on earlier deploys.
func Render(ctx context.Context, fsys fs.FS, folder string, release Release) ([]*manifest.Object, manifest.Problems) {
	r := &renderer{fsys: fsys, folder: folder, base: folder, release: release}
	r.render(ctx)
	return r.objects, r.problems
}

// renderer holds the state of rendering one chart.
type renderer struct {
	fsys    fs.FS
	folder  string // of the chart; for one from a registry, the name of its archive
	base    string // the folder that paths of values files are relative to
	release Release

	lacking  bool // a requested chart is missing
	chart    *chart.Chart
	top      common.Values // the input of its templates
	chance   *chance       // used by them
	trials   trials
	written  []valuesFile // the given values, for the lines of mistakes
	objects  []*manifest.Object
	problems manifest.Problems
}

func (r *renderer) add(file string, line int, message, hint string) {
	r.problems = append(r.problems, manifest.Problem{
		Source: manifest.Source{File: file, Line: line}, Message: message, Hint: hint,
	})
}

// addOutside is add for a path that leads out of the tree.
func (r *renderer) addOutside(file string, line int, message, hint string) {
	r.add(file, line, message, hint)
	r.problems[len(r.problems)-1].Remedy.Kind = manifest.RemedyRepository
}

func (r *renderer) chartFile() string { return path.Join(r.folder, "Chart.yaml") }

func (r *renderer) render(ctx context.Context) {
	if r.loadChart(); len(r.problems) > 0 || r.lacking {
		return
	}
	if r.release.Settings.ReplaceValues {
		r.chart.Values = map[string]any{}
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

// output is the output of a template, and the objects read from it.
type output struct {
	name, text string
	again      string // the output of another time; "" if it uses no chance
	objects    []*manifest.Object
	problems   manifest.Problems
	differing  []string // see compare
}

// parseAll reads the objects of all outputs, several at a time: this is most of the
// time that a chart takes.
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
			r.objects = nil // made-up values need no further comment
			r.chanceProblem(ctx, o)
		}
	}
	r.objects = withoutHooks(r.objects, r.release.Settings.SkipHooks)
}

// definitions returns the wanted definitions of the chart.
func (r *renderer) definitions() []chart.CRD {
	if r.release.SkipCRDs || r.release.Settings.SkipCRDs {
		return nil
	}
	return r.chart.CRDObjects()
}

// ParseVersion parses a version of Kubernetes, such as v1.37.2 or 1.37.
func ParseVersion(text string) (*common.KubeVersion, error) {
	version, err := common.ParseKubeVersion(text)
	if err != nil {
		return nil, fmt.Errorf("read the version of Kubernetes %q: %w", text, err)
	}
	return version, nil
}

// capabilities returns the data about the cluster for the chart.
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

// renderValues builds the input of templates.
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

// separator matches the line between two documents.
var separator = regexp.MustCompile(`(?m)^---[ \t]*\r?$`)

// glued matches an end of a document that Helm accepts and YAML does not: templates
// that trim white space after the marker leave it at the start of a line.
var glued = regexp.MustCompile(`(?m)^---[ \t]*([^ \t\r\n])`)

// keeping matches the head of a block that keeps all line breaks at its end.
var keeping = regexp.MustCompile(`(?m)[|>][0-9]?\+[0-9]?(\s*$|\s+#)`)

// asPrinted returns the output of a template as Helm prints it for the cluster: with
// one more line break at the end of each document, which is the only one if the
// template trims the last. Between two documents, only a block that keeps line breaks
// can tell the difference, so all others keep their lines in place.
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
			p.Message = fmt.Sprintf("line %d of its output: %s", p.Source.Line, p.Message)
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

// read reads the objects in the output of a template.
func (r *renderer) read(file, text string) ([]*manifest.Object, manifest.Problems) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	return manifest.ParseOutput(file, []byte(asPrinted(text)), r.release.Marks.Scalar)
}

func sorted(files map[string]string) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Offline is the cluster that helm template imagines: with the version that this
// program is built for, and the kinds built into Kubernetes.
func Offline() Cluster {
	known := common.DefaultCapabilities
	return Cluster{Version: known.KubeVersion.Version, APIs: known.APIVersions}
}
