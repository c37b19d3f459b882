package record

import (
	"context"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Noted is how an object was when it was last applied or found right. While
// both are the same, there is nothing to ask of the cluster.
type Noted struct {
	Digest      string // of the object as rendered; keyed for a Secret
	Fingerprint string // see live.Fingerprint
	Ended       health.End
}

// Saved is the state of an app in its newest record.
type Saved struct {
	Record  Record
	Noted   map[manifest.ID]Noted // every object that it owned then
	Damaged error                 // why the newest record cannot be read: the rest is that of an older one, or only the app's name
}

// Entry is everything that is kept of one deploy.
type Entry struct {
	Record Record
	Log    []byte                // the lines that were shown, outcome included
	Noted  map[manifest.ID]Noted // every object that the app owns now
	Kept   []Kept                // those whose Noted or manifest has changed
}

// Kept is an object that must be written, because it differs from the record before.
type Kept struct {
	ID       manifest.ID
	Manifest []byte // as applied, in YAML, secrets masked; nil: as it was
	Gone     bool   // it is not the app's any more
}

// Recorder keeps records. Package history implements it in Git.
type Recorder interface {
	// Newest returns every app of a repository that has records, in the state of its
	// newest record.
	Newest(ctx context.Context, repo name.Repo) (map[name.App]Saved, error)
	// Manifests returns an app's objects in YAML as its newest record has them,
	// secrets masked, in no order; none if it has no record.
	Manifests(ctx context.Context, repo name.Repo, app name.App) ([][]byte, error)
	// Save appends a record. When it returns without an error, the record is
	// on disk.
	Save(ctx context.Context, entry Entry) error
}
