package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// absent is the problem of an app whose folder is not in the revision; nil if it is there. A
// folder beside it that is nearly called so is in the hint.
func absent(fsys fs.FS, app appfile.App) *manifest.Problem {
	if _, err := fs.Stat(fsys, app.Path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	problem := &manifest.Problem{Source: app.Source, Message: fmt.Sprintf("there is no folder %s in this revision", app.Path), Hint: "write the path from the repository's root"}
	above := path.Dir(app.Path)
	entries, _ := fs.ReadDir(fsys, above) // none, if that is not there either
	var folders []string
	for _, entry := range entries {
		if entry.IsDir() {
			folders = append(folders, entry.Name())
		}
	}
	if near := manifest.Closest(path.Base(app.Path), folders); near != "" {
		problem.Hint = "did you mean " + path.Join(above, near) + "?"
	}
	return problem
}
