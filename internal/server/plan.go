package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/report"
)

// Folder is a folder to plan as if it were pushed.
type Folder struct {
	Tree       fs.FS
	Repository name.Repo         // its name
	Branch     name.Branch       // the branch that it stands for
	Choice     appfile.Choice    // of its apps
	Clusters   map[string]string // kubeconfig files, by the names that pushboat.yaml uses; "" as kubectl finds one
	Context    string            // a context of the kubeconfig of the cluster default; "": the current one
	Keys       FolderKeys        // for encrypted files
	Charts     FolderCharts      // for charts from registries
	// PlainSecrets accepts Secrets whose values are not encrypted, as for a push of
	// values that the server already has.
	PlainSecrets bool
	Values       map[string]string // substituted instead of those of pushboat.yaml
	Labels       appfile.Clusters  // of the clusters from which entries select
	Alone        bool              // it is in no repository, so nothing above it is visible
}

// FolderDoor spells the remedies of problems for users of the command line: as a flag or,
// for a remedy that only a deploy can carry out, as an option of the later push. A folder
// that is alone is in no repository. The folders above it may belong to one that the user
// has yet to create.
func FolderDoor(alone bool) report.Door {
	door := report.Door{
		Again: "try again", Force: push.Spelling.Force, ConfirmPrune: push.Spelling.ConfirmPrune,
		PlainSecrets: "--plain-secrets lets it pass, as git push -o plain-secrets does",
	}
	if alone {
		door.Repository = "files above the folder are read only in a Git repository: run git init in the folder that contains them all"
	}
	return door
}

// Outcomes of Plan that a program may want to tell apart.
var (
	// ErrRefused says that a push of the folder would be refused.
	ErrRefused = errors.New("the folder cannot be deployed as it is; the lines above say why")
	// ErrChanges says that a push of the folder would change something.
	ErrChanges = errors.New("a push of the folder changes its clusters")
)

// Plan writes the changes that a push of the folder would make on its clusters, or all
// problems with it. It works like a server's gate, and changes nothing. Since it knows
// no records, it asks the cluster about every object. It returns nil only if a push
// would change nothing.
func Plan(ctx context.Context, folder Folder, format report.Format, out io.Writer) error {
	log := logrus.New()
	log.SetOutput(io.Discard)
	quiet := logrus.NewEntry(log)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	clusters, servers, err := folder.openClusters(ctx, quiet)
	if err != nil {
		return err
	}
	defer endWatches(cancel, clusters)
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
	at := appfile.Place{Repo: folder.Repository, Branch: folder.Branch, Main: folder.Branch, Clusters: folder.selectable(), Servers: servers}
	if file, grown, problems := importer.ReadFile(folder.Tree, at, &importer.Finder{}); len(problems) == 0 && grown == nil {
		if err := folder.Choice.Check(file.Apps); err != nil {
			return err
		}
	}
	engine := deploy.New(deploy.Config{
		Clusters: clusters, Source: nowhere{}, Recorder: nowhere{},
		Renderer: render.New(worker.NewPool(program, worker.DefaultLimits, quiet), askCluster(clusters)).
			WithData(readData(clusters, nil, nil)).WithValues(folder.Values).WithKeys(keys).WithCharts(store),
		Labels: folder.selectable, Servers: func() map[string]string { return servers },
		Choice: folder.Choice, Masker: manifest.NewMasker(key), Log: quiet,
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
	select {
	case err := <-failed:
		return err
	default:
	}
	door := FolderDoor(folder.Alone)
	if err := proposal.Write(out, format, door); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	outline := proposal.Outline(door)
	switch {
	case outline.Refused:
		return ErrRefused
	case outline.Changes():
		return ErrChanges
	}
	return nil
}

// selectable are the clusters from which entries select: those with labels, and where there are
// further ones than the default, each of them.
func (f Folder) selectable() appfile.Clusters {
	if len(f.Clusters) < 2 {
		return f.Labels
	}
	all := appfile.Clusters{}
	for name := range f.Clusters {
		all[name] = nil
	}
	maps.Copy(all, f.Labels)
	return all
}

// openClusters opens the clusters as kubectl would for the same user, and returns their addresses,
// too.
func (f Folder) openClusters(ctx context.Context, log *logrus.Entry) (*deploy.Clusters, map[string]string, error) {
	servers := map[string]string{}
	var clusters []*deploy.Cluster
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(f.Clusters)) {
		config := kube.Kubeconfig{File: f.Clusters[name], Personal: true}
		if name == appfile.DefaultCluster {
			config.Context = f.Context
		}
		loaded, err := config.Load()
		var cluster *kube.Cluster
		if err == nil {
			cluster, err = kube.Open(name, loaded, log)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("cluster %s: %w", name, err))
			continue
		}
		servers[name] = loaded.Host
		clusters = append(clusters, deploy.NewCluster(cluster, live.New(ctx, cluster, owner.DefaultTools, log)))
	}
	return deploy.NewClusters(clusters...), servers, errors.Join(problems...)
}

// nowhere is the history of a folder: empty.
type nowhere struct{}

func (nowhere) Repositories() ([]name.Repo, error) { return nil, nil }
func (nowhere) Branches(context.Context, name.Repo) (map[name.Branch]name.Revision, error) {
	return nil, nil
}

func (nowhere) Head(context.Context, name.Repo, name.Branch) (name.Revision, error) { return "", nil }

func (nowhere) Main(name.Repo) (name.Branch, error) { return appfile.DefaultBranch, nil }

func (nowhere) Asked(name.Repo, name.Branch) (record.Asked, error) { return record.Asked{}, nil }
func (nowhere) AskedOf(name.Repo, name.Branch, name.App) (record.Asked, error) {
	return record.Asked{}, nil
}

func (nowhere) SetAsked(name.Repo, name.Branch, record.Asked) error { return nil }

// Manifests implements deploy.Recorder.
func (nowhere) Manifests(context.Context, name.Repo, name.App) ([][]byte, error) { return nil, nil }

func (nowhere) Tags(context.Context, name.Repo) ([]name.Tag, error) { return nil, nil }

func (nowhere) Tagged(context.Context, name.Repo, name.Tag) (name.Revision, error) { return "", nil }

func (nowhere) Tree(name.Repo, name.Revision) (fs.FS, error) { return nil, fs.ErrNotExist }

func (nowhere) Newest(context.Context, name.Repo) (map[name.App]record.Saved, error) { return nil, nil }
func (nowhere) Save(context.Context, record.Entry) error                             { return nil }
