package render

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
)

// The benchmarks also report the ratio of a rendering's time here to that of the bare
// library on a folder on disk.

// BenchmarkKustomize renders 200 objects: 100 Deployments and their Services over a base,
// with a patch, labels and images.
func BenchmarkKustomize(b *testing.B) {
	files := fstest.MapFS{}
	base := "resources:\n"
	for i := range 100 {
		name := fmt.Sprintf("web-%03d", i)
		base += "- " + name + ".yaml\n"
		files["base/"+name+".yaml"] = &fstest.MapFile{Data: []byte(fmt.Sprintf(workload, name))}
	}
	files["base/kustomization.yaml"] = &fstest.MapFile{Data: []byte(base)}
	files["app/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [../base]\nnamespace: shop\nimages: [{name: registry.example/web, newTag: '2'}]\nlabels: [{pairs: {team: a}}]\n" +
		"patches: [{target: {kind: Deployment, name: web-00.}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 3}]'}]\n")}
	against(b, files, 200, func(folder string, _ appfile.App) ([]byte, error) { return bareKustomize(folder) })
}

// BenchmarkChart renders 50 templates of two objects each.
func BenchmarkChart(b *testing.B) {
	files := fstest.MapFS{
		"app/Chart.yaml":             {Data: []byte(chartYAML)},
		"app/values.yaml":            {Data: []byte("image: {tag: '2'}\nlabels: {team: a}\n")},
		"app/templates/_helpers.tpl": {Data: []byte(`{{ define "labels" }}{{ toYaml .Values.labels }}{{ end }}`)},
	}
	for i := range 50 {
		text := strings.Replace(fmt.Sprintf(workload, fmt.Sprintf("web-%03d", i)), "metadata:\n", "metadata:\n  labels: {{- include \"labels\" . | nindent 4 }}\n", 1)
		files[fmt.Sprintf("app/templates/web-%03d.yaml", i)] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "web:1", "web:{{ .Values.image.tag }}"))}
	}
	against(b, files, 100, func(folder string, app appfile.App) ([]byte, error) { return bareHelm(b, folder, app) })
}

// workload is a Deployment and its Service; the name is filled in.
const workload = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: %[1]s
spec:
  replicas: 1
  selector:
    matchLabels: {app: %[1]s}
  template:
    metadata:
      labels: {app: %[1]s}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          ports: [{containerPort: 8080}]
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
          resources: {limits: {cpu: 100m, memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: %[1]s
spec:
  selector: {app: %[1]s}
  ports: [{port: 80, targetPort: 8080}]
`

// against alternates renderings here and in the bare library, and compares their times.
func against(b *testing.B, files fstest.MapFS, objects int, bare func(folder string, app appfile.App) ([]byte, error)) {
	b.Helper()
	f := fixture{files: files, app: appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderAuto}}
	folder := filepath.Join(f.onDisk(b), "app")
	session := newGoldenSession(b)
	if n := len(session.render(b, files, f.app)); n != objects { // the first job runs in a cold worker
		b.Fatalf("%d objects, want %d", n, objects)
	}
	var here, there time.Duration
	for b.Loop() {
		start := time.Now()
		session.render(b, files, f.app)
		here += time.Since(start)
		start = time.Now()
		text, err := bare(folder, f.app)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(objectsOf(b, text)); n != objects {
			b.Fatalf("%d objects, want %d", n, objects)
		}
		there += time.Since(start)
	}
	b.ReportMetric(float64(here.Microseconds())/float64(b.N)/1000, "ms/render")
	b.ReportMetric(float64(there.Microseconds())/float64(b.N)/1000, "ms/bare")
	b.ReportMetric(float64(here)/float64(there), "ratio")
}
