package render

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/sirupsen/logrus"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// The tests of this file compare the renderings here with those of the tools: each file
// of testdata/kustomize and testdata/helm is a repository. The app is in the folder
// app, unless a pushboat.yaml says otherwise. A folder whose name ends in .tgz is
// packed. If the tool lacks a setting of the app, it gets the folder reference instead.

// cluster is the cluster that charts see, in both renderings.
func cluster(context.Context, string) (helm.Cluster, error) {
	c := helm.Offline()
	c.Version = "v1.34.2"
	c.APIs = append(slices.Clone(c.APIs), "monitoring.example.com/v1", "monitoring.example.com/v1/Monitor")
	return c, nil
}

// fixture is a repository of testdata.
type fixture struct {
	name  string
	files fstest.MapFS
	app   appfile.App
}

func fixtures(t *testing.T, pattern string) []fixture {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures at %s: %v", pattern, err)
	}
	var all []fixture
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f := fixture{name: strings.TrimSuffix(filepath.Base(name), ".txtar"), files: pack(t, archive)}
		f.app = f.readApp(t)
		all = append(all, f)
	}
	return all
}

func (f fixture) readApp(t *testing.T) appfile.App {
	t.Helper()
	if _, ok := f.files[appfile.Name]; !ok {
		return appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderAuto}
	}
	file, problems := appfile.Read(f.files, appfile.Place{Repo: "shop", Main: appfile.DefaultBranch})
	apps := file.Apps
	if len(problems) > 0 || len(apps) != 1 {
		t.Fatalf("%s: %d apps, problems %v", f.name, len(apps), problems)
	}
	return apps[0]
}

// pack makes a tree from a txtar archive. Each folder whose name ends in .tgz becomes a tar
// archive.
func pack(t *testing.T, archive *txtar.Archive) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	packed := map[string][]entry{}
	for _, file := range archive.Files {
		if before, after, found := strings.Cut(file.Name, ".tgz/"); found {
			packed[before+".tgz"] = append(packed[before+".tgz"], entry{name: after, data: file.Data})
			continue
		}
		fsys[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	for name, entries := range packed {
		fsys[name] = &fstest.MapFile{Data: tgz(t, entries...)}
	}
	return fsys
}

// entry is an entry of a tar file.
type entry struct {
	name string
	link string // for a symbolic link
	data []byte
}

func tgz(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	var errs []error
	for _, e := range entries {
		head := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.data)), Typeflag: tar.TypeReg}
		if e.link != "" {
			head.Typeflag, head.Linkname = tar.TypeSymlink, e.link
		}
		errs = append(errs, w.WriteHeader(head))
		_, err := w.Write(e.data)
		errs = append(errs, err)
	}
	if err := errors.Join(append(errs, w.Close(), zip.Close())...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// onDisk writes the files to a directory in which the tools can read them.
func (f fixture) onDisk(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, f.files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// folder is the folder that the tool gets.
func (f fixture) folder() string {
	if _, err := fs.Stat(f.files, "reference"); err == nil {
		return "reference"
	}
	return f.app.Path
}

// session renders the fixtures of a test one after the other, as the apps of one push: no
// trace of one in the worker may show in the next.
type session struct {
	pool *worker.Pool
	one  *Session
}

func newGoldenSession(t testing.TB) *session {
	t.Helper()
	program, err := worker.Program()
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(log))
	s := &session{pool: pool, one: New(pool, cluster).Session(fstest.MapFS{})}
	t.Cleanup(func() { s.one.Close(); pool.Close() })
	return s
}

func (s *session) render(t testing.TB, fsys fs.FS, app appfile.App) []map[string]any {
	t.Helper()
	s.one.fsys = fsys
	result, problems := s.one.App(context.Background(), app)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var objects []map[string]any
	for _, o := range result.Objects {
		objects = append(objects, o.Object)
	}
	return objects
}

func TestKustomizeIsThatOfTheLibrary(t *testing.T) {
	ours := newGoldenSession(t)
	kubectl, _ := exec.LookPath("kubectl")
	for _, f := range fixtures(t, "testdata/kustomize/*.txtar") {
		t.Run(f.name, func(t *testing.T) {
			folder := filepath.Join(f.onDisk(t), f.folder())
			got := ours.render(t, f.files, f.app)
			text, err := bareKustomize(folder)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "the library", got, objectsOf(t, text))
			if kubectl == "" || olderKubectl[f.name] {
				return
			}
			out, err := exec.Command(kubectl, "kustomize", "--load-restrictor", "LoadRestrictionsNone", folder).Output()
			if err != nil {
				t.Fatalf("kubectl kustomize: %v", err)
			}
			compare(t, "kubectl", got, objectsOf(t, out))
		})
	}
}

// olderKubectl are the fixtures that a kubectl older than the library builds differently.
// docs/rendering.md lists them.
var olderKubectl = map[string]bool{
	"labels": true, // before 1.33: labels of templates also went into volumeClaimTemplates
}

func bareKustomize(folder string) ([]byte, error) {
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	return built.AsYaml()
}

func TestHelmIsThatOfTheLibrary(t *testing.T) {
	ours := newGoldenSession(t)
	program, _ := exec.LookPath("helm")
	for _, f := range append(fixtures(t, "testdata/helm/*.txtar"), starter(t)) {
		t.Run(f.name, func(t *testing.T) {
			dir := f.onDisk(t)
			got := ours.render(t, f.files, f.app)
			text, err := bareHelm(t, filepath.Join(dir, f.folder()), f.app)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "the library", got, objectsOf(t, text))
			if program == "" {
				return
			}
			out, err := exec.Command(program, helmTemplate(t, filepath.Join(dir, f.folder()), f.app)...).Output()
			if err != nil {
				t.Fatalf("helm template: %v", err)
			}
			compare(t, "helm", got, objectsOf(t, out))
		})
	}
}

// starter is the chart that helm create makes.
func starter(t *testing.T) fixture {
	t.Helper()
	dir := t.TempDir()
	if _, err := chartutil.Create("app", dir); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fixture{name: "helm-create", files: files, app: appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderAuto}}
}

// release returns the name and the namespace that helm template gets for an app.
func release(app appfile.App) (name, namespace string) {
	return cmp.Or(app.Helm.ReleaseName, string(app.Name)), cmp.Or(app.Namespace, "default")
}

// bareHelm does the work of helm template (pkg/action, renderResources) with the parts of
// its library.
func bareHelm(t testing.TB, folder string, app appfile.App) ([]byte, error) {
	t.Helper()
	c, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, name := range valueFiles(t, folder, app) {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		more, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		values = loader.MergeMaps(values, more)
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, err
	}
	told, _ := cluster(context.Background(), "")
	version, err := common.ParseKubeVersion(told.Version)
	if err != nil {
		return nil, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion, capabilities.APIVersions = *version, told.APIs
	name, namespace := release(app)
	options := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(c, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{}.RenderWithContext(context.Background(), c, top)
	if err != nil {
		return nil, err
	}
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, crd := range c.CRDObjects() {
		fmt.Fprintf(&out, "---\n%s\n", crd.File.Data)
	}
	for _, m := range manifests {
		fmt.Fprintf(&out, "---\n%s\n", m.Content)
	}
	for _, h := range hooks {
		fmt.Fprintf(&out, "---\n%s\n", h.Manifest)
	}
	return out.Bytes(), nil
}

// valueFiles returns an app's values as files.
func valueFiles(t testing.TB, folder string, app appfile.App) []string {
	t.Helper()
	var names []string
	for _, given := range app.Helm.Values {
		if given.File != "" {
			names = append(names, filepath.Join(folder, given.File))
			continue
		}
		name := filepath.Join(t.TempDir(), "inline.yaml")
		if err := os.WriteFile(name, given.Inline, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func helmTemplate(t testing.TB, folder string, app appfile.App) []string {
	t.Helper()
	name, namespace := release(app)
	told, _ := cluster(context.Background(), "")
	arguments := []string{
		"template", name, folder, "--namespace", namespace, "--include-crds", "--kube-version", told.Version,
		"--api-versions", "monitoring.example.com/v1", "--api-versions", "monitoring.example.com/v1/Monitor",
	}
	for _, values := range valueFiles(t, folder, app) {
		arguments = append(arguments, "--values", values)
	}
	return arguments
}

// objectsOf reads a tool's output as kubectl would.
func objectsOf(t testing.TB, text []byte) []map[string]any {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	var objects []map[string]any
	for {
		var document json.RawMessage
		var o map[string]any
		err := decoder.Decode(&document)
		if err == nil && len(document) > 0 {
			err = k8sjson.Unmarshal(document, &o) // integers stay integers
		}
		switch {
		case errors.Is(err, io.EOF):
			return objects
		case err != nil:
			t.Fatalf("read a tool's output: %v\n%s", err, text)
		case len(o) == 0:
		case o["items"] != nil && strings.HasSuffix(fmt.Sprint(o["kind"]), "List"):
			for _, item := range o["items"].([]any) {
				objects = append(objects, item.(map[string]any))
			}
		default:
			objects = append(objects, o)
		}
	}
}

// compare compares objects as sets.
func compare(t *testing.T, tool string, got, want []map[string]any) {
	t.Helper()
	ours, theirs := inText(t, got), inText(t, want)
	if len(theirs) == 0 {
		t.Errorf("%s renders nothing", tool)
	}
	for _, o := range ours {
		if !slices.Contains(theirs, o) {
			t.Errorf("rendered here and not by %s:\n%s", tool, o)
		}
	}
	for _, o := range theirs {
		if !slices.Contains(ours, o) {
			t.Errorf("rendered by %s and not here:\n%s", tool, o)
		}
	}
	if len(ours) != len(theirs) {
		t.Errorf("%d objects, %s has %d", len(ours), tool, len(theirs))
	}
}

// inText writes objects so that equal objects have equal texts.
func inText(t *testing.T, objects []map[string]any) []string {
	t.Helper()
	var texts []string
	for _, o := range objects {
		text, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	return texts
}

// TestEveryFeatureHasAFixture makes sure that no case gets lost: there must be sixty.
func TestEveryFeatureHasAFixture(t *testing.T) {
	for pattern, least := range map[string]int{"testdata/kustomize/*.txtar": 39, "testdata/helm/*.txtar": 31, "testdata/helmcharts/*.txtar": 8} {
		if names, err := filepath.Glob(pattern); err != nil || len(names) < least {
			t.Errorf("%s: %d fixtures, want %d (%v)", path.Dir(pattern), len(names), least, err)
		}
	}
}
