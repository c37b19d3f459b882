package bucket

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/backup"
)

// Object is a backup in a bucket.
type Object struct {
	Folder string `json:"-"` // of the bucket, not of an address in it; "": none
	ID     string `json:"id"`
	Since  string `json:"since,omitempty"` // the backup that it goes on from; "": it is full
	Size   int64  `json:"bytes"`
}

const (
	fullEnd  = ".full.backup"
	sinceMid = ".since."
	sinceEnd = ".backup"
)

// Name is the object's name in its folder.
func (o Object) Name() string {
	if o.Since == "" {
		return o.ID + fullEnd
	}
	return o.ID + sinceMid + o.Since + sinceEnd
}

// Made is when the backup was begun.
func (o Object) Made() time.Time { return backup.MadeAt(o.ID) }

// parseKey reads the key of an object; ok is false for an object that is no backup.
func parseKey(key string) (o Object, ok bool) {
	dir, file := path.Split(key)
	o.Folder = strings.TrimSuffix(dir, "/")
	if o.Folder != "" && !isFolder(o.Folder) {
		return o, false
	}
	if id, full := strings.CutSuffix(file, fullEnd); full {
		o.ID = id
		return o, backup.IsID(id)
	}
	rest, ok := strings.CutSuffix(file, sinceEnd)
	id, since, both := strings.Cut(rest, sinceMid)
	o.ID, o.Since = id, since
	return o, ok && both && backup.IsID(id) && backup.IsID(since)
}

// sorted are objects in the order of time, by folders.
func sorted(objects []Object) []Object {
	return slices.SortedFunc(slices.Values(objects), func(a, b Object) int {
		return cmp.Or(strings.Compare(a.Folder, b.Folder), strings.Compare(a.ID, b.ID))
	})
}
