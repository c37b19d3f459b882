package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/plain"
)

// Key names everything that App reads of a revision: as long as it and the app
// stay the same, so does the result. It costs a few look-ups, and App the
// parsing of every file. It is "" for a revision that has no hashes.
//
// Git has a hash for each folder and file, which the FileInfo of a revision
// tells as its Sys. What is read is the app's folder, and the ignore files of
// the folders above it.
func Key(fsys fs.FS, app appfile.App) string {
	folder, err := hashOf(fsys, app.Path)
	if err != nil || folder == "" {
		return ""
	}
	key := []string{folder}
	for above := app.Path; above != "."; {
		above = path.Dir(above)
		ignore, err := hashOf(fsys, path.Join(above, plain.IgnoreName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		key = append(key, ignore)
	}
	return strings.Join(key, " ")
}

func hashOf(fsys fs.FS, name string) (string, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return "", err
	}
	hash, ok := info.Sys().(fmt.Stringer)
	if !ok {
		return "", nil
	}
	return hash.String(), nil
}
