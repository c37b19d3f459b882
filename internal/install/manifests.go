package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/config"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/settings"
)

// printHead is the beginning of Print's output, and so of config/install/install.yaml.
const printHead = `# Made by "pushboat install --print" from config/install/chart, whose templates say why
# things are as they are. Apply it as it is, once the image is your own:
#
#     kubectl apply --server-side -f install.yaml
#
# docs/install.md goes on from there: the pod waits for the keys of its operators.
`

// componentLabel marks the objects of an installation: the server's own objects
// (server), which the next installation replaces, and those that outlive it (kept):
// data, keys and values.
const componentLabel = "pushboat/component"

// oldest is the cluster for printed manifests, since Print asks none: it has the oldest
// version of Kubernetes that the chart supports. The chart renders the same for all
// later ones.
var oldest = helm.Cluster{Version: "v1.29.0"}

// renderFor renders the chart for a cluster. The objects include the values, so that
// the next installation knows them.
func renderFor(ctx context.Context, cluster *kube.Cluster, values Values, version string) ([]*manifest.Object, error) {
	about, err := cluster.About(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the cluster what it serves: %w", err)
	}
	return render(ctx, values, version, helm.Cluster{Version: about.Version, APIs: about.APIs})
}

// render renders the chart, in the order in which its objects are applied.
func render(ctx context.Context, values Values, version string, cluster helm.Cluster) ([]*manifest.Object, error) {
	inline, err := chartValues(values, version)
	if err != nil {
		return nil, err
	}
	objects, problems := helm.Render(ctx, config.Files(), config.Chart, helm.Release{
		Name: App, Namespace: kube.SystemNamespace, Cluster: cluster,
		Settings: appfile.Helm{Values: []appfile.HelmValues{{Inline: inline}}},
	})
	if len(problems) > 0 {
		return nil, valuesError(problems)
	}
	if err := checkSettings(objects); err != nil {
		return nil, err
	}
	if len(values) > 0 {
		stored, err := values.stored()
		if err != nil {
			return nil, err
		}
		objects = append(objects, stored)
	}
	sort.SliceStable(objects, func(i, j int) bool {
		return manifest.StageOf(objects[i].ID().GroupKind()) < manifest.StageOf(objects[j].ID().GroupKind())
	})
	return objects, nil
}

// settingsFile is the pod's settings file, a key of the ConfigMap App.
const settingsFile = "pushboat.yaml"

// checkSettings refuses settings with which the server would not start: applying them
// would take down a running server.
func checkSettings(objects []*manifest.Object) error {
	for _, o := range objects {
		if o.GetKind() != "ConfigMap" || o.GetName() != App {
			continue
		}
		text, _, _ := unstructured.NestedString(o.Object, "data", settingsFile)
		if _, err := settings.ReadText(settingsFile, []byte(text)); err != nil {
			return withoutPlaces(err)
		}
	}
	return nil
}

// withoutPlaces removes the lines from problems of settings: the file is generated from
// values, and nobody has seen it.
func withoutPlaces(err error) error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("the values: settings: %w", err)
	}
	var errs []error
	for _, one := range several.Unwrap() {
		if problem, ok := errors.AsType[settings.Problem](one); ok {
			problem.Place = settings.Place{}
			one = problem
		}
		errs = append(errs, fmt.Errorf("the values: settings: %w", one))
	}
	return errors.Join(errs...)
}

// chartValues returns the values for rendering the chart: they create the namespace,
// and the image is that of this program unless another one was given.
func chartValues(values Values, version string) ([]byte, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	whole := Values{}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	whole.set("namespace", Values{"create": true})
	whole.set("image", Values{"tag": values.text("image", "tag")})
	if values.text("image", "tag") == "" && version != "" {
		whole.set("image", Values{"tag": version})
	}
	return json.Marshal(whole)
}

// valuesError words problems of values, which are in no file of a repository.
func valuesError(problems manifest.Problems) error {
	var errs []error
	for _, p := range problems {
		p.Source = manifest.Source{}
		errs = append(errs, fmt.Errorf("the values: %w", p))
	}
	return errors.Join(errs...)
}

// printObject writes an object as a document of YAML.
func printObject(out io.Writer, o *manifest.Object) error {
	text, err := yaml.Marshal(o.Object)
	if err != nil {
		return fmt.Errorf("write %s: %w", o.ID(), err)
	}
	if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
		return fmt.Errorf("write the manifests: %w", err)
	}
	return nil
}
