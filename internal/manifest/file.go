package manifest

import (
	"errors"
	"io/fs"
)

// WithoutPath returns the cause of a file system's error without the path in it: for a
// place that names the path already, or where nobody may see it.
func WithoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// WhyUnread says why a file or folder of a revision cannot be read, without its path.
func WhyUnread(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file or folder"
	}
	return WithoutPath(err).Error()
}
