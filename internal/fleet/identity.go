package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
)

// Identity is who a cluster was when it was first met under its name.
type Identity struct {
	ID    string    `json:"id"` // the UID of its namespace kube-system
	Since time.Time `json:"since"`
}

// identities keeps the identities of clusters in a directory, a file each. It is no part of
// a backup: a server that is restored meets its clusters anew.
type identities struct {
	dir string // "": they are not kept

	mu    sync.Mutex
	known map[string]Identity // those that were read or met
}

// of returns the identity of a cluster; the zero value if it was never met.
func (i *identities) of(cluster string) (Identity, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known, ok := i.known[cluster]; ok || i.dir == "" {
		return known, nil
	}
	var known Identity
	text, err := os.ReadFile(i.path(cluster))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Identity{}, nil
	case err != nil:
		return Identity{}, err
	}
	if err := json.Unmarshal(text, &known); err != nil || known.ID == "" {
		return Identity{}, fmt.Errorf("%q does not say which cluster it is of: delete it, and the next that answers counts", i.path(cluster))
	}
	i.noteLocked(cluster, known)
	return known, nil
}

func (i *identities) path(cluster string) string { return filepath.Join(i.dir, cluster+".json") }

func (i *identities) noteLocked(cluster string, is Identity) {
	if i.known == nil {
		i.known = map[string]Identity{}
	}
	i.known[cluster] = is
}

// note keeps the identity of a cluster.
func (i *identities) note(cluster string, is Identity) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.noteLocked(cluster, is)
	if i.dir == "" {
		return nil
	}
	text, err := json.Marshal(is)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return err
	}
	return replaceFile(i.path(cluster), append(text, '\n'))
}

// replaceFile writes a small file atomically, and returns when it and its name are on disk.
func replaceFile(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// errStarting is of a cluster that may turn out to be another one in a moment.
var errStarting = errors.New("it has no namespace kube-system yet")

// recognize decides whether a cluster that has said who it is may be asked anything. The
// first that answers under a name has that name. Another one with the same name may be
// empty: everything that its apps have would be made anew there, unasked.
func (f *Fleet) recognize(cluster, id string) error {
	known, err := f.identities.of(cluster)
	if err != nil {
		return &kube.HeldError{Cluster: cluster, Why: err.Error()}
	}
	switch {
	case known.ID == "" && id == "":
		return nil
	case id == "":
		return errStarting
	case known.ID == "":
		return f.meet(cluster, id)
	case known.ID == id:
		return nil
	}
	return &kube.HeldError{
		Cluster: cluster,
		Why: fmt.Sprintf("another cluster answers in its place: the namespace kube-system has UID %s, and since %s it had %s",
			id, known.Since.UTC().Format(time.DateOnly), known.ID),
		Hint: "have its apps deployed to this one, all anew: ssh HOST cluster accept " + cluster,
	}
}

// meet notes who a cluster is.
func (f *Fleet) meet(cluster, id string) error {
	if err := f.Fence(); err != nil {
		return &kube.HeldError{Cluster: cluster, Why: err.Error()}
	}
	if err := f.identities.note(cluster, Identity{ID: id, Since: time.Now().UTC().Truncate(time.Second)}); err != nil {
		f.Log.WithField("cluster", cluster).Warnf("cluster: who it is cannot be kept: %v; the next start does not know it again", err)
	}
	return nil
}

// Accept has whichever cluster answers under a name now be the one of that name.
func (f *Fleet) Accept(ctx context.Context, name string) (was, is Identity, err error) {
	cluster := f.clusters.Get(name)
	if was, err = f.identities.of(name); err != nil {
		f.Log.WithField("cluster", name).Warnf("cluster: %v", err)
	}
	id, err := cluster.Kube.Identity(ctx)
	if err != nil || id == "" || id == was.ID {
		return was, was, err
	}
	cluster.Kube.Invalidate()
	if err = f.meet(name, id); err == nil {
		_, err = cluster.Kube.Check(ctx)
	}
	is, _ = f.identities.of(name)
	return was, is, err
}
