package deploy

import (
	"cmp"
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// An app's inventory on a cluster names the server that deploys it and its repository.
// Otherwise a second server on the cluster, or another repository, would take the
// objects for its own app's, and delete those that it does not have. So another's
// inventory is refused, until somebody says that this server or repository replaces it.

// ForeignError says that an app's inventory on a cluster is that of another server or
// repository.
type ForeignError struct {
	Parent  kube.Parent
	Cluster string
	Repo    name.Repo // of the app that was to be deployed
	Whose   whose
	Own     int64  // this server's epoch
	Left    string // why another repository has left it there
}

// Error names the owner as anybody may know it who reads the app's records.
func (e *ForeignError) Error() string { return e.message(nil) }

// message names the owner as a reader may know it.
func (e *ForeignError) message(reader plan.Reader) string {
	hidden := !reader.Sees(e.Repo, e.Parent.Repository)
	switch {
	case hidden && e.Whose == otherServers:
		return fmt.Sprintf("app %s on cluster %s is deployed by another Pushboat server", e.Parent.App, e.Cluster)
	case hidden && e.Whose == otherRepositorys:
		return fmt.Sprintf("app %s on cluster %s belongs to another repository", e.Parent.App, e.Cluster)
	}
	switch e.Whose {
	case laterSelfs:
		return fmt.Sprintf("app %s on cluster %s is deployed by a server with this one's id that began later (epoch %d; this server's is %d): "+
			"its data directory is a copy of this one's, or this one of its", e.Parent.App, e.Cluster, e.Parent.Epoch, e.Own)
	case otherServers:
		return fmt.Sprintf("app %s on cluster %s is deployed by another Pushboat server%s, from its repository %s",
			e.Parent.App, e.Cluster, serverName(e.Parent.Server), e.Parent.Repository)
	}
	return fmt.Sprintf("app %s on cluster %s belongs to repository %s, which has left it there (%s)",
		e.Parent.App, e.Cluster, e.Parent.Repository, cmp.Or(e.Left, appfile.PruneOff))
}

// Hint is the next thing to try.
func (e *ForeignError) Hint() string {
	in := "the repository"
	switch e.Whose {
	case laterSelfs:
		return fmt.Sprintf("push to that server; if it is gone for good, restart this one, or an admin runs: ssh HOST take-over %s %s", e.Parent.App, e.Repo)
	case otherServers:
		in = "that server"
	}
	return fmt.Sprintf("choose another name; if this takes the place of %s, an admin runs: ssh HOST take-over %s %s", in, e.Parent.App, e.Repo)
}

func (e *ForeignError) problem(t *target, reader plan.Reader) manifest.Problem {
	return manifest.Problem{App: t.Spec.Name, Source: t.Spec.Source, Message: e.message(reader), Hint: e.Hint()}
}

// serverName shows a server's id to people.
func serverName(id string) string {
	if id == "" {
		return ""
	}
	return " (" + manifest.Clean(id[:min(len(id), 12)]) + ")"
}

// foreign is an error if a parent is not that of an app of a repository of this server.
func (e *Engine) foreign(parent kube.Parent, cluster string, repo name.Repo) error {
	a := e.app(parent.App)
	verdict := judgeParent(parent, kube.Parent{Server: e.Server, Epoch: e.Epoch, Repository: repo}, a != nil && a.hasRecord())
	if verdict == ours || verdict == otherRepositorys && e.isReleased(parent, repo) {
		return nil
	}
	return &ForeignError{Parent: parent, Cluster: cluster, Repo: repo, Whose: verdict, Own: e.Epoch, Left: others{e}.WhyLeft(parent.App)}
}

// whose is the owner of a parent.
type whose int

const (
	ours whose = iota
	otherServers
	otherRepositorys
	laterSelfs // of a server with this one's id and a later epoch
)

// judgeParent decides whose a parent is, for the server and the repository of own.
// Versions of Pushboat before 2026-11-28 named no server in it: such a parent is this
// server's if it has a record of the app. A server without an id, which plans for a
// folder, accepts any.
func judgeParent(parent, own kube.Parent, recorded bool) whose {
	switch {
	case !parent.Exists() || own.Server == "":
		return ours
	case parent.Server == "" && !recorded, parent.Server != "" && parent.Server != own.Server:
		return otherServers
	case parent.Supersedes(own):
		return laterSelfs
	case parent.Repository != "" && parent.Repository != own.Repository:
		return otherRepositorys
	}
	return ours
}

// hasRecord reports whether the app was ever deployed by this server.
func (a *app) hasRecord() bool { return a.lastRecord() != nil }

// HomeError says that an app is another repository's.
type HomeError struct {
	App  name.App
	Repo name.Repo
}

// Error names the repository.
func (e *HomeError) Error() string {
	return fmt.Sprintf("app %s is that of repository %s", e.App, e.Repo)
}

// TakeOver makes the inventory of an app on a cluster that of a repository of this
// server, whosever it was, and has the app compared. It returns the inventory as it was.
func (e *Engine) TakeOver(ctx context.Context, app name.App, repo name.Repo, cluster string) (kube.Parent, error) {
	e.known()
	at := e.Clusters.Get(cluster)
	if at == nil {
		return kube.Parent{}, fmt.Errorf("cluster %q is not known to this server", cluster)
	}
	if a := e.app(app); a != nil && !a.removed() && a.repository() != repo {
		return kube.Parent{}, &HomeError{app, a.repository()}
	}
	if err := at.ready(ctx); err != nil {
		return kube.Parent{}, err
	}
	was, err := at.api.ReadParent(ctx, app, repo)
	if err != nil || !was.Exists() {
		return was, err
	}
	parent := was
	parent.Server, parent.Epoch, parent.Repository = e.Server, e.Epoch, repo
	stored, err := at.site.WriteParent(ctx, was, parent)
	if err != nil {
		return was, err
	}
	switch a := e.app(app); {
	case a == nil:
	case a.repository() == repo:
		a.on(at).SetInventory(&stored)
		e.Check(app, record.CauseRetry)
	default:
		a.on(at).SetInventory(nil) // it was removed there
	}
	return was, nil
}
