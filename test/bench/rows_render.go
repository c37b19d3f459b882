package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// renderLimit is the most that a rendering may take, relative to a rendering by the library
// alone: Pushboat renders in a child process, which asks for each file, and checks the
// objects.
const renderLimit = 1.2

// renderWithin bounds one rendering.
const renderWithin = time.Minute

// renderKustomize renders 200 objects of a base with an overlay.
func renderKustomize(ctx context.Context, l *lab) (*result, error) {
	files := objectFiles("base", "web", objectsOfApp)
	resources := []string{"resources:"}
	for name := range files {
		resources = append(resources, "- "+filepath.Base(name))
	}
	files["base/kustomization.yaml"] = strings.Join(resources, "\n")
	files["app/kustomization.yaml"] = "resources: [../base]\nnamespace: shop\nimages: [{name: registry.example/web, newTag: '2'}]\n" +
		"labels: [{pairs: {team: a}}]\npatches: [{target: {kind: Deployment, name: web-00.}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 0}]'}]\n"
	return l.against(ctx, "kustomize", files, objectsOfApp, func(folder string) ([]byte, error) {
		options := krusty.MakeDefaultOptions()
		options.LoadRestrictions = types.LoadRestrictionsNone
		built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
		if err != nil {
			return nil, err
		}
		return built.AsYaml()
	})
}

// chartTemplates is how many templates the chart has, of two objects each.
const chartTemplates = 50

// renderChart renders a chart.
func renderChart(ctx context.Context, l *lab) (*result, error) {
	files := map[string]string{
		"app/Chart.yaml":             "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"app/values.yaml":            "tag: '2'\nlabels: {team: a}\n",
		"app/templates/_helpers.tpl": `{{ define "labels" }}{{ toYaml .Values.labels }}{{ end }}`,
	}
	for i := range chartTemplates {
		name := fmt.Sprintf("web-%03d", i)
		text := fmt.Sprintf(deploymentText, name) + "---\n" + fmt.Sprintf(serviceText, name)
		text = strings.ReplaceAll(text, "metadata: {name: "+name+"}", "metadata:\n  name: "+name+"\n  labels: {{- include \"labels\" . | nindent 4 }}")
		files["app/templates/"+name+".yaml"] = strings.ReplaceAll(text, "web:1.4", "web:{{ .Values.tag }}")
	}
	return l.against(ctx, "helm", files, 2*chartTemplates, bareChart)
}

// bareChart renders a chart with helm's library, as helm template does.
func bareChart(folder string) ([]byte, error) {
	c, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: "shop", Namespace: "default", Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(c, values, options, common.DefaultCapabilities.Copy())
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{}.RenderWithContext(context.Background(), c, top)
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	for name, text := range files {
		if strings.HasSuffix(name, ".yaml") {
			all.WriteString("---\n" + text + "\n")
		}
	}
	return all.Bytes(), nil
}

// renderer returns the server's renderer, and a function that ends the renderer's
// processes.
func (l *lab) renderer() (_ *render.Renderer, done func()) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	pool := worker.NewPool([]string{filepath.Join(l.settings.bin, "pushboat"), worker.Command}, worker.DefaultLimits, logrus.NewEntry(log))
	pool.Warm()
	return render.New(pool, func(context.Context, string) (helm.Cluster, error) { return helm.Offline(), nil }), pool.Close
}

// against renders the app of a folder with the server's renderer and with the library
// alone, in turns. It also parses the library's output, because the server's result is
// parsed objects.
func (l *lab) against(ctx context.Context, name string, files map[string]string, objects int, bare func(folder string) ([]byte, error)) (*result, error) {
	dir := l.path("work", "render-"+name)
	for file, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	renderer, done := l.renderer()
	defer done()
	session := renderer.Session(os.DirFS(dir))
	defer session.Close()
	spec := appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderAuto}
	ours, reference := &series{of: "here, in a child process"}, &series{of: "the library of " + name + ", bare"}
	rounds := l.rounds(20)
	for round := range rounds + 1 { // the first round warms both up
		start := time.Now()
		if err := renderOne(ctx, session, spec, objects); err != nil {
			return nil, err
		}
		here := time.Since(start)
		start = time.Now()
		text, err := bare(filepath.Join(dir, "app"))
		if err == nil {
			err = countObjects(text, objects)
		}
		if err != nil {
			return nil, fmt.Errorf("render with the library: %w", err)
		}
		if there := time.Since(start); round > 0 {
			ours.add(here)
			reference.add(there)
		}
	}
	r := &result{}
	r.ratio(ours, reference, atMost, renderLimit)
	return r, nil
}

func renderOne(ctx context.Context, session *render.Session, spec appfile.App, objects int) error {
	ctx, cancel := context.WithTimeout(ctx, renderWithin)
	defer cancel()
	found, problems := session.App(ctx, spec)
	if err := problems.Err(); err != nil {
		return err
	}
	if len(found.Objects) != objects {
		return fmt.Errorf("%d objects, want %d", len(found.Objects), objects)
	}
	return nil
}

// countObjects parses a text, and checks the number of objects in it.
func countObjects(text []byte, want int) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for n := 0; ; n++ {
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			if n != want || !errors.Is(err, io.EOF) {
				return fmt.Errorf("%d objects, want %d: %w", n, want, err)
			}
			return nil
		}
	}
}

// renderFleet measures how a push reads a revision of many apps of which one has changed:
// it reads pushboat.yaml, reuses the results of the unchanged apps, and renders the changed
// one. The reference is that app in a repository of its own.
func renderFleet(ctx context.Context, l *lab) (*result, error) {
	many, err := l.renderedBefore(ctx, "render-many", l.settings.fleet)
	if err != nil {
		return nil, err
	}
	defer many.close()
	one, err := l.renderedBefore(ctx, "render-one", 1)
	if err != nil {
		return nil, err
	}
	defer one.close()
	ours := &series{of: fmt.Sprintf("one changed app of %d", l.settings.fleet)}
	reference := &series{of: "the same app alone"}
	for range l.rounds(10) {
		for repo, took := range map[*renderedRepo]*series{many: ours, one: reference} {
			d, err := repo.changeOne(ctx)
			if err != nil {
				return nil, err
			}
			took.add(d)
		}
	}
	r := &result{}
	r.ratio(ours, reference, atMost, 2)
	return r, nil
}

// renderedRepo is a repository whose apps have been rendered.
type renderedRepo struct {
	*workingCopy
	store    *git.Store
	repo     *git.Repository
	renderer *render.Renderer
	done     func()
	inputs   map[string]render.Inputs
	changes  int
}

// renderedBefore makes a repository of n apps over a base, and renders all apps.
func (l *lab) renderedBefore(ctx context.Context, name string, n int) (_ *renderedRepo, err error) {
	files := objectFiles("base", "web", kindsOfObject)
	files[appfile.Name] = "apps:\n- path: apps/*\n  namespace: shop\n"
	files["base/kustomization.yaml"] = "resources: [web-000-deployment.yaml, web-000-service.yaml, web-000-config.yaml, web-000-account.yaml]\n"
	for i := range n {
		files[fmt.Sprintf("apps/app-%04d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../../base]\nnamePrefix: app-%04d-\n", i)
	}
	w := &renderedRepo{inputs: map[string]render.Inputs{}}
	if w.workingCopy, err = l.workingCopy(ctx, name, files); err != nil {
		return nil, err
	}
	if _, err := l.run(ctx, l.dir, "git", "clone", "-q", "--bare", w.dir, l.path(name, "repo.git")); err != nil {
		return nil, err
	}
	if w.store, err = git.OpenStore(l.path(name), git.StoreOptions{HooksDir: l.path(name)}); err != nil {
		return nil, err
	}
	if w.repo, err = w.store.Open("repo"); err != nil {
		return nil, err
	}
	w.renderer, w.done = l.renderer()
	head, err := w.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	_, err = w.read(ctx, head)
	return w, err
}

func (w *renderedRepo) close() {
	w.done()
	_ = w.store.Close() // the store is deleted with the directory
}

// changeOne changes the first app, and measures the reading of the new revision.
func (w *renderedRepo) changeOne(ctx context.Context) (time.Duration, error) {
	w.changes++
	text := fmt.Sprintf("resources: [../../base]\nnamePrefix: app-0000-\nlabels: [{pairs: {change: c%d}}]\n", w.changes)
	if err := w.write("apps/app-0000/kustomization.yaml", text); err != nil {
		return 0, err
	}
	if err := w.commit(ctx, "Change one app"); err != nil {
		return 0, err
	}
	if _, err := w.git(ctx, "push", "-q", w.lab.path(filepath.Base(w.dir), "repo.git"), "main"); err != nil {
		return 0, err
	}
	head, err := w.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return 0, err
	}
	start := time.Now()
	rendered, err := w.read(ctx, head)
	if err == nil && rendered != 1 {
		err = fmt.Errorf("%d apps were rendered, want only the one that changed", rendered)
	}
	return time.Since(start), err
}

// read reads a revision as the server does, and returns the number of apps that were
// rendered.
func (w *renderedRepo) read(ctx context.Context, head string) (rendered int, err error) {
	tree, err := w.repo.Tree(git.Hash(strings.TrimSpace(head)))
	if err != nil {
		return 0, err
	}
	return w.renderChanged(ctx, tree)
}

func (w *renderedRepo) renderChanged(ctx context.Context, tree fs.FS) (rendered int, err error) {
	file, problems := appfile.Read(tree, appfile.Place{Repo: "repo", Branch: "main", Main: "main"})
	if err := problems.Err(); err != nil {
		return 0, err
	}
	session := w.renderer.Session(tree)
	defer session.Close()
	for _, spec := range file.Apps {
		if w.inputs[string(spec.Name)].Hold(tree) {
			continue
		}
		result, problems := session.App(ctx, spec)
		if err := problems.Err(); err != nil {
			return rendered, err
		}
		w.inputs[string(spec.Name)] = result.Inputs
		rendered++
	}
	return rendered, nil
}
