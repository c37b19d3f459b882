package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/report"
)

// Folder is a folder that is planned as if it were pushed.
type Folder struct {
	Tree       fs.FS
	Repository name.Repo         // its name
	Branch     name.Branch       // that it stands for
	Choice     appfile.Choice    // of its apps
	Clusters   map[string]string // kubeconfig files, by the names that pushboat.yaml uses; "" as kubectl finds one
	Context    string            // of the kubeconfig of the cluster default; "": the current one
	Keys       FolderKeys        // for encrypted files
	Charts     FolderCharts      // of registries
	// PlainSecrets lets Secrets pass whose values are not encrypted, as for a push
	// of what the server has already.
	PlainSecrets bool
	Values       map[string]string // that are substituted instead of those of pushboat.yaml
	Alone        bool              // it is in no repository, so that nothing above it is there
}

// FolderSpelling is how one who renders or plans a folder asks for the remedies of its
// problems: by a flag of the command line or, for what only a deploy can do, by an option
// of the push to come.
var FolderSpelling = report.Door{
	Again: "try again", Force: push.Spelling.Force, ConfirmPrune: push.Spelling.ConfirmPrune,
	PlainSecrets: "--plain-secrets lets it pass, as git push -o plain-secrets does",
}

// HintAtRoot gives problems of paths that lead out of a folder a hint for somebody whose
// folder is in no repository: what is above it may be part of one to be.
func HintAtRoot(problems manifest.Problems) {
	for i := range problems {
		if strings.Contains(problems[i].Message, "leads out of the repository") {
			problems[i].Hint = "what is above the folder is read in a Git repository alone: git init in the folder that has it all"
		}
	}
}

// The outcomes of Plan that a program may want to tell apart.
var (
	// ErrRefused says that a push of the folder would be refused.
	ErrRefused = errors.New("the folder cannot be deployed as it is; the lines above say why")
	// ErrChanges says that a push of the folder would change something.
	ErrChanges = errors.New("a push of the folder changes its clusters")
)

// Plan writes what a push of a folder would change on its clusters, or all that
// is wrong with it. It does what the gate of a server does, and changes nothing;
// of what a server has recorded it knows nothing, so that it asks the cluster
// about every object. It returns nil only if a push would change nothing.
func Plan(ctx context.Context, folder Folder, format report.Format, out io.Writer) error {
	log := logrus.New()
	log.SetOutput(io.Discard)
	quiet := logrus.NewEntry(log)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clusters, err := folder.openClusters(ctx, quiet)
	if err != nil {
		return err
	}
	program, err := worker.Program()
	if err != nil {
		return err
	}
	keys, err := folder.Keys.Open()
	if err != nil {
		return err
	}
	defer keys.Close()
	store, err := folder.Charts.Open()
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if specs, problems := appfile.ParseBranch(folder.Tree, folder.Repository, folder.Branch, folder.Branch); len(problems) == 0 {
		if err := folder.Choice.Check(specs); err != nil {
			return err
		}
	}
	engine := deploy.New(deploy.Config{
		Clusters: clusters, Source: nowhere{}, Recorder: nowhere{},
		Renderer: render.New(worker.NewPool(program, worker.DefaultLimits, quiet), askCluster(clusters)).
			WithData(readData(clusters)).WithValues(folder.Values).WithKeys(keys).WithCharts(store),
		Choose: folder.Choice.Of, Masker: manifest.NewMasker(key), Log: quiet,
	})
	failed := make(chan error, 1)
	engine.Start(func(err error) { failed <- err })
	defer engine.Stop(ctx)
	change := deploy.Change{
		Repo: folder.Repository, Branch: folder.Branch, Main: folder.Branch, Revision: "folder", Tree: folder.Tree, Push: "folder",
		Options: deploy.Options{Plan: true, ConfirmPrune: -1, PlainSecrets: folder.PlainSecrets},
	}
	proposal := engine.Propose(ctx, change)
	defer proposal.Close()
	if folder.Alone {
		HintAtRoot(proposal.Problems)
	}
	select {
	case err := <-failed:
		return err
	default:
	}
	if err := proposal.Write(out, format, FolderSpelling); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	outline := proposal.Outline(FolderSpelling)
	switch {
	case outline.Refused:
		return ErrRefused
	case outline.Changes():
		return ErrChanges
	}
	return nil
}

// openClusters opens the clusters as kubectl of the same user reaches them.
func (f Folder) openClusters(ctx context.Context, log *logrus.Entry) (map[string]*deploy.Cluster, error) {
	configs := map[string]kube.Kubeconfig{}
	for name, file := range f.Clusters {
		config := kube.Kubeconfig{File: file, Personal: true}
		if name == appfile.DefaultCluster {
			config.Context = f.Context
		}
		configs[name] = config
	}
	return openClusters(ctx, configs, owner.DefaultTools, log)
}

// nowhere is where a folder has its history: it has none.
type nowhere struct{}

func (nowhere) Repositories() ([]name.Repo, error) { return nil, nil }
func (nowhere) Branches(context.Context, name.Repo) (map[name.Branch]name.Revision, error) {
	return nil, nil
}

func (nowhere) Head(context.Context, name.Repo, name.Branch) (name.Revision, error) { return "", nil }

func (nowhere) Main(name.Repo) (name.Branch, error) { return appfile.DefaultBranch, nil }

func (nowhere) Asked(name.Repo, name.Branch) (record.Asked, error) { return record.Asked{}, nil }

// Manifests implements deploy.Recorder.
func (nowhere) Manifests(context.Context, name.Repo, name.App) ([][]byte, error) { return nil, nil }

func (nowhere) Tree(name.Repo, name.Revision) (fs.FS, error) { return nil, fs.ErrNotExist }

func (nowhere) Newest(context.Context, name.Repo) (map[name.App]record.Saved, error) { return nil, nil }
func (nowhere) Save(context.Context, record.Entry) error                             { return nil }
