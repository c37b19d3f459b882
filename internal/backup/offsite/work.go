package offsite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/bucket"
)

// Made tells of a backup that is in the bucket.
type Made struct {
	backup.Summary
	At   string // where it is
	Size int64  // of the object, in bytes
}

// String is a line for people.
func (m Made) String() string { return fmt.Sprintf("%s; it is at %s", m.Summary, m.At) }

// work is one look at the bucket, and the work that follows from it.
type work struct {
	Config
	source Source
	fence  func() error
	log    *logrus.Entry
	now    func() time.Time
	begun  func()
	look   time.Time       // the first at this bucket
	mine   map[string]bool // the backups that were made since the server started

	bucket  *bucket.Bucket
	objects []bucket.Object // that are there
	made    Made
	others  int   // backups in the folder that the server has not made
	left    error // why old backups could not be deleted
}

// do looks at the bucket, and makes a backup if one is due or asked for.
func (w *work) do(ctx context.Context, asked bool) (err error) {
	if err := w.fence(); err != nil {
		return err
	}
	if w.bucket, err = w.Open(); err != nil {
		return err
	}
	defer w.bucket.Close()
	if w.objects, err = w.list(ctx); err != nil {
		return err
	}
	at, ever := due(w.objects, w.Schedule, w.now())
	if !asked && (!ever || at.After(w.now())) {
		return nil
	}
	w.begun()
	if dropped, err := w.bucket.DropUnfinished(ctx); err != nil {
		w.log.Warnf("backup: parts of earlier uploads may be left in %s: %v", w.To, err)
	} else if dropped > 0 {
		w.log.Infof("backup: dropped %d uploads that were not ended", dropped)
	}
	if err := w.make(ctx); err != nil {
		return err
	}
	w.left = w.tidy(ctx)
	return nil
}

// list lists the backups that this server has made.
func (w *work) list(ctx context.Context) ([]bucket.Object, error) {
	objects, err := w.bucket.List(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := w.source.IDs()
	if err != nil {
		return nil, err
	}
	made := maps.Clone(w.mine)
	for _, id := range ids {
		made[id] = true
	}
	objects = slices.DeleteFunc(objects, func(o bucket.Object) bool { return o.Folder != w.To.Folder })
	ours, others := own(objects, made, w.look)
	w.others = len(others)
	return ours, nil
}

// make makes a backup.
func (w *work) make(ctx context.Context) error {
	id := backup.NewID(w.now())
	request := backup.Request{ID: id, Since: w.since(id), Recipients: w.Recipients}
	object := bucket.Object{Folder: w.To.Folder, ID: request.ID}
	if request.Since != nil {
		object.Since = request.Since.ID
	}
	upload, err := w.bucket.Begin(ctx, object)
	if err != nil {
		return err
	}
	summary, err := w.source.Write(ctx, upload, request)
	if err == nil {
		object.Size, err = upload.Commit(w.fence)
	}
	if err != nil {
		if left := upload.Abort(); left != nil {
			w.log.Warnf("backup: parts of an upload that failed are left in %s until the next one: %v", w.To, left)
		}
		return err
	}
	w.objects, w.mine[object.ID] = append(w.objects, object), true
	w.made = Made{Summary: summary, At: w.bucket.Archive(object).Name, Size: object.Size}
	w.log.Infof("backup: %s", w.made)
	if summary.NotKept != nil {
		w.log.Warnf("backup: %v", summary.NotKept)
	}
	return nil
}

// since is the base of the next backup; nil for a full one.
func (w *work) since(next string) *backup.Base {
	id := base(w.objects, w.Increments, w.now())
	if id == "" || id >= next { // of the same millisecond
		return nil
	}
	known, err := w.source.Kept(id)
	if unknown := (*backup.UnknownError)(nil); errors.As(err, &unknown) {
		w.log.Infof("backup: %v, as after a restore: a full one is made", err)
		return nil
	}
	if err != nil {
		w.log.Warnf("backup: %v; a full one is made", err)
		return nil
	}
	return known
}

// tidy deletes the backups that nobody needs any more. The first that cannot be deleted
// ends it: those before it would be gone on from by none.
func (w *work) tidy(ctx context.Context) error {
	for _, old := range expired(w.objects, w.KeepLast, w.KeepFor, w.now()) {
		err := w.fence()
		if err == nil {
			err = w.bucket.Delete(ctx, old)
		}
		if err != nil {
			w.log.Warnf("backup: old ones are left in %s: %v; hint: %s", w.To, err, hintOf(err))
			return err
		}
		w.objects = slices.DeleteFunc(w.objects, func(o bucket.Object) bool { return o.ID == old.ID })
		w.log.Infof("backup: deleted %s, which was of %s", old.Name(), old.Made().Format(time.RFC3339))
	}
	return nil
}
