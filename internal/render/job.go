package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"

	k8sjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/kustomize"
	"github.com/pushboat/pushboat/internal/render/substitute"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// job is a request to a worker.
type job struct {
	Render    string            `json:"render"` // appfile.RenderKustomize or appfile.RenderHelm
	Folder    string            `json:"folder"`
	Kustomize appfile.Kustomize `json:"kustomize,omitzero"`
	Release   helm.Release      `json:"release,omitzero"`
	Names     []string          `json:"names,omitempty"`   // to mark for substitution
	Fetched   []helm.Fetched    `json:"fetched,omitempty"` // charts from registries
	cluster   string            // of the app
	source    manifest.Source   // of the app
}

// outcome is the worker's answer to a job.
type outcome struct {
	Objects  []rendered        `json:"objects"`
	Problems manifest.Problems `json:"problems"`
	// Wants are charts that the worker lacks: without them it has rendered nothing.
	Wants []helm.Wanted `json:"wants,omitempty"`
	// AsksCluster says that the job contains charts, and that the worker must know the
	// cluster: without it, the worker has rendered nothing.
	AsksCluster bool `json:"asksCluster,omitempty"`
	// Depends says that the output of the charts may depend on the cluster.
	Depends bool `json:"depends,omitempty"`
}

// rendered is an object on its way from a worker.
type rendered struct {
	Source manifest.Source `json:"source"`
	Object map[string]any  `json:"object"`
	Random bool            `json:"random,omitempty"` // see manifest.Object
}

// Serve is the main loop of a worker: it renders jobs from in until there are no more.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	return serve(ctx, in, out, worker.DefaultLimits)
}

func serve(ctx context.Context, in io.Reader, out io.Writer, limits worker.Limits) error {
	http.DefaultTransport = nothing{}
	return worker.Serve(in, out, limits, func(text []byte, fsys fs.FS) []byte {
		reply, err := json.Marshal(do(ctx, text, fsys))
		if err != nil {
			return failed(err)
		}
		return reply
	})
}

// nothing is the network of a worker: it stops a library where the kernel does not.
type nothing struct{}

// RoundTrip implements http.RoundTripper.
func (nothing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is fetched")
}

// failed is the outcome of a job that could not be read or answered.
func failed(err error) []byte {
	text, err := json.Marshal(outcome{Problems: manifest.Problems{{Message: err.Error()}}})
	if err != nil {
		return nil
	}
	return text
}

// do does a job; it is everything that a worker does.
func do(ctx context.Context, text []byte, fsys fs.FS) outcome {
	var j job
	if err := json.Unmarshal(text, &j); err != nil {
		return outcome{Problems: manifest.Problems{{Message: fmt.Sprintf("read the job: %v", err)}}}
	}
	var result outcome
	j.Release.Fetched = j.Fetched
	j.Release.Want, j.Release.Asks = result.want, func() { result.Depends = true }
	objects, problems := j.render(ctx, fsys, func() { result.AsksCluster = true })
	result.Problems = problems
	for _, o := range objects {
		result.Objects = append(result.Objects, rendered{o.Source, o.Object, o.Random})
	}
	return result
}

// want notes a missing chart, once.
func (o *outcome) want(wanted helm.Wanted) {
	if !slices.ContainsFunc(o.Wants, func(w helm.Wanted) bool { return w.Ref == wanted.Ref }) {
		o.Wants = append(o.Wants, wanted)
	}
}

func (j job) render(ctx context.Context, fsys fs.FS, askCluster func()) ([]*manifest.Object, manifest.Problems) {
	j.Release.Marks = substitute.NewMarks(j.Names)
	if j.Render == appfile.RenderHelm {
		objects, problems := helm.Render(ctx, fsys, j.Folder, j.Release)
		for _, settings := range j.Release.Settings.PostRender {
			if len(problems) == 0 {
				objects, problems = kustomize.Post(objects, settings, j.Release.Settings.PostRenderHooks)
			}
		}
		return objects, problems
	}
	return kustomize.Render(ctx, fsys, j.Folder, j.Kustomize, kustomize.Charts{Release: j.Release, AskCluster: askCluster})
}

// inWorker gives a job to a worker, and checks its answer. If the job turns out to need
// charts, they are fetched in between, outside the worker and its limits.
func (s *Session) inWorker(ctx context.Context, fsys fs.FS, j job) ([]*manifest.Object, manifest.Problems) {
	s.worked = true
	files := &archives{FS: fsys, data: map[string][]byte{}}
	for range maxRounds {
		result, err := s.round(ctx, files, j)
		if err != nil {
			return nil, manifest.Problems{undone(j, err)}
		}
		if (len(result.Wants) == 0 && !result.AsksCluster) || len(result.Problems) > 0 {
			s.depends = s.depends || result.Depends
			return result.check()
		}
		if result.AsksCluster {
			cluster, problem := s.clusterOf(ctx, j.cluster, j.source)
			if problem != nil {
				return nil, manifest.Problems{*problem}
			}
			j.Release.Cluster = cluster
		}
		fetched, problems := s.fetch(ctx, files, result.Wants, j.Release.Settings)
		if len(problems) > 0 {
			return nil, problems
		}
		j.Fetched = append(j.Fetched, fetched...)
	}
	return nil, manifest.Problems{{Source: manifest.Source{File: j.Folder}, Message: "the chart wants others again and again", Hint: "commit them in charts/"}}
}

// maxRounds bounds how often a job is repeated until it has all its charts: it names
// those that it lacks in the first round, and those of charts in a kustomization in the
// second.
const maxRounds = 4

// round runs a job once.
func (s *Session) round(ctx context.Context, fsys fs.FS, j job) (outcome, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return outcome{}, fmt.Errorf("write the job: %w", err)
	}
	reply, err := s.worker.Do(ctx, fsys, text)
	if err != nil {
		return outcome{}, err
	}
	var result outcome
	decoder := json.NewDecoder(bytes.NewReader(reply))
	decoder.UseNumber() // an integer stays an integer
	if err := decoder.Decode(&result); err != nil {
		return outcome{}, fmt.Errorf("read the rendered objects: %w", err)
	}
	return result, nil
}

// undone is the problem of a job that no worker could do.
func undone(j job, err error) manifest.Problem {
	problem := manifest.Problem{Source: manifest.Source{File: j.Folder}, Message: err.Error()}
	switch {
	case errors.Is(err, worker.ErrLimit):
		problem.Hint = "split the app, or commit its rendered manifests"
	case errors.Is(err, worker.ErrBusy):
		problem.Remedy = manifest.Again("in a while; the server's setting render.maxWorkers says how many there may be")
	}
	return problem
}

// check reads the objects of an outcome as if somebody had written them.
func (o outcome) check() ([]*manifest.Object, manifest.Problems) {
	var objects []*manifest.Object
	problems := o.Problems
	for _, r := range o.Objects {
		if err := k8sjson.ConvertMapNumbers(r.Object, 0); err != nil {
			problems = append(problems, manifest.Problem{Source: r.Source, Message: fmt.Sprintf("read the rendered objects: %v", err)})
			continue
		}
		found, wrong := manifest.Rendered(r.Object, r.Source)
		for _, o := range found {
			o.Random = r.Random
		}
		objects = append(objects, found...)
		problems = append(problems, wrong...)
	}
	return objects, problems
}
