package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/server"
)

func newRender() *cobra.Command {
	var (
		flags folderFlags
		shown bool
	)
	cmd := &cobra.Command{
		Use:   "render [DIR]",
		Short: "Print the rendered objects of a folder's apps, without a cluster",
		Long: "Print the objects that a push of the folder would deploy from a branch, or\n" +
			"everything that is wrong with it; the exit status is 1 then. No cluster is asked:\n" +
			"charts are rendered for the version of Kubernetes that this program is built for.\n" +
			"They are fetched only from where --registry or --config allows. Values of Secrets\n" +
			"are not shown.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := flags.rendering(args)
			if err != nil {
				return err
			}
			r.out, r.errOut, r.shown = cmd.OutOrStdout(), cmd.ErrOrStderr(), shown
			return r.do(cmd.Context())
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&shown, "show-secrets", false, "show the values of Secrets")
	return cmd
}

// rendering is a folder to render as a branch of a repository.
type rendering struct {
	folderFlags
	place
	values      map[string]string // to substitute
	labelled    appfile.Clusters
	guesses     *guesses // of the apps that are chosen; nil: not asked for
	out, errOut io.Writer
	shown       bool // show values of Secrets
}

func (f folderFlags) rendering(args []string) (rendering, error) {
	at, err := f.place(args)
	if err != nil {
		return rendering{}, err
	}
	values, err := f.values()
	if err != nil {
		return rendering{}, err
	}
	labels, err := f.clusters()
	return rendering{folderFlags: f, place: at, values: values, labelled: labels}, err
}

// offline answers charts' questions about any cluster.
func offline(context.Context, string) (helm.Cluster, error) { return helm.Offline(), nil }

// visitor is told of each app that is rendered: those that are chosen, and the objects that it
// applies.
type visitor func(spec appfile.App, applied []*manifest.Object) error

// do renders, and prints the objects or the problems.
func (r rendering) do(ctx context.Context) error {
	r.guesses = &guesses{}
	grown, problems, err := r.walk(ctx, func(spec appfile.App, applied []*manifest.Object) error { return r.print(spec.Name, applied) })
	if err != nil {
		return err
	}
	if grown != nil {
		_, wrong := grown.Finish(len(problems) == 0)
		problems = append(problems, wrong...)
	}
	r.guesses.tell(r.errOut)
	if len(problems) > 0 {
		report.WriteProblems(r.errOut, problems, server.FolderDoor(r.alone))
		return errors.New("the folder cannot be deployed as it is; the lines above say why")
	}
	return nil
}

// walk renders the apps that are chosen. It returns the tree of apps that has grown; nil, if
// the folder has none.
func (r rendering) walk(ctx context.Context, visit visitor) (*importer.Tree, manifest.Problems, error) {
	file, grown, problems := importer.ReadFile(r.tree, appfile.Place{Repo: r.repository, Main: name.Branch(r.branch), Clusters: r.labelled}, &importer.Finder{})
	r.tellUnmatched(file.Selections)
	if err := r.choice.Check(file.Apps); err != nil && len(problems) == 0 && grown == nil {
		return nil, nil, err
	}
	session, closeAll, err := r.session()
	if err != nil {
		return nil, nil, err
	}
	defer closeAll()
	specs, all := file.Apps, file.Apps
	finish := func() error { return nil }
	if grown == nil {
		specs = r.choice.Of(specs)
	} else {
		visit, finish = later(grown, visit)
	}
	for len(specs) > 0 {
		wrong, err := r.level(ctx, session, specs, grown, visit)
		if err != nil {
			return nil, nil, err
		}
		problems = append(problems, wrong...)
		if specs = nil; grown != nil {
			specs, wrong = grown.Next()
			problems, all = append(problems, wrong...), append(all, specs...)
		}
	}
	if grown != nil && len(problems) == 0 {
		if err := r.choice.CheckAmong(all); err != nil {
			return nil, nil, err
		}
	}
	return grown, problems, finish()
}

// later returns a visitor that waits, and what visits then: all apps but roots that turn out to
// be other apps, too, when the tree has grown.
func later(grown *importer.Tree, visit visitor) (wait visitor, finish func() error) {
	var waiting []func() error
	wait = func(spec appfile.App, applied []*manifest.Object) error {
		waiting = append(waiting, func() error {
			if grown.GivenTo(spec.Name) != "" {
				return nil
			}
			return visit(spec, applied)
		})
		return nil
	}
	return wait, func() error {
		for _, one := range waiting {
			if err := one(); err != nil {
				return err
			}
		}
		return nil
	}
}

// session begins to render the tree. The caller must close it.
func (r rendering) session() (session *render.Session, closeAll func(), err error) {
	program, err := worker.Program()
	if err != nil {
		return nil, nil, err
	}
	keys, err := r.keys.Open()
	if err != nil {
		return nil, nil, err
	}
	store, err := r.charts.Open()
	if err != nil {
		keys.Close()
		return nil, nil, err
	}
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(logrus.New()))
	session = render.New(pool, offline).WithValues(r.values).WithKeys(keys).WithCharts(store).Session(r.tree)
	return session, func() {
		session.Close()
		keys.Close()
	}, nil
}

// level renders apps, and has a tree of apps grow by the others; grown is nil where there is
// none.
func (r rendering) level(ctx context.Context, session *render.Session, specs []appfile.App, grown *importer.Tree, visit visitor) (manifest.Problems, error) {
	var problems manifest.Problems
	chosen := map[name.App]bool{}
	for _, spec := range r.choice.Among(specs) {
		chosen[spec.Name] = spec.Branch == name.Branch(r.branch)
	}
	for _, spec := range specs {
		if grown == nil && !chosen[spec.Name] {
			continue
		}
		result, found := session.App(ctx, spec)
		applied := importer.Without(spec.LeaveOut, result.Objects)
		if grown != nil {
			var meant []*manifest.Object
			applied, meant = importer.Applied(spec, result.Objects)
			found = append(found, grown.Add(spec, applied, meant)...)
		}
		problems = append(problems, found...)
		if !chosen[spec.Name] {
			continue
		}
		r.guesses.add(result.Guess)
		if !r.plainSecrets && !spec.PlainSecrets {
			for _, plain := range result.Plain {
				plain.Problem.App = spec.Name
				problems = append(problems, plain.Problem)
			}
		}
		if err := visit(spec, applied); err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// tellUnmatched names the entries that make no app here, because no cluster matches.
func (r rendering) tellUnmatched(selections []appfile.Selection) {
	for _, s := range selections {
		if len(s.Matches) == 0 && s.Branch == name.Branch(r.branch) {
			fmt.Fprintf(r.errOut, "%s: clusters: %s is matched by the server, and renders nothing here\n%s", s.Source, s.Selector,
				report.Hints("name a cluster with its labels: --cluster-labels paris:region=eu"))
		}
	}
}

func (r rendering) print(app name.App, objects []*manifest.Object) error {
	for _, o := range objects {
		fields := o.Object
		if !r.shown {
			fields = manifest.Masker{}.Hiding(o.Hidden()).Of(o).Mask(fields)
		}
		text, err := yaml.Marshal(fields)
		if err != nil {
			return fmt.Errorf("write %s: %w", o.ID(), err)
		}
		fmt.Fprintf(r.out, "---\n# app %s, %s\n%s", app, manifest.Clean(o.Source.String()), text)
	}
	return nil
}
