package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// place is a folder in a tree, as the arguments name it.
type place struct {
	tree       fs.FS
	repository name.Repo
	choice     appfile.Choice
	alone      bool // the folder is in no Git repository, nor below a pushboat.yaml
}

// place finds the folder that the arguments name, or the current one. A folder in a Git
// repository is seen from the repository's root, as the server sees it, since overlays
// may lie above their base. A folder with a pushboat.yaml is a root itself.
func (f *folderFlags) place(args []string) (place, error) {
	dir := "."
	if len(args) == 1 {
		dir = args[0]
	}
	at, err := locate(dir)
	if err != nil {
		return place{}, fmt.Errorf("find the folder %q: %w", dir, err)
	}
	opened, err := os.OpenRoot(at.root) // no link leads out of it, as on the server
	if err != nil {
		return place{}, fmt.Errorf("open the folder: %w", err)
	}
	var apps []name.App // Choice.Check reports missing ones
	for _, app := range f.apps {
		apps = append(apps, name.App(app))
	}
	return place{
		tree: git.WorkTree(opened), repository: name.Repo(cmp.Or(f.name, filepath.Base(at.root))),
		choice: appfile.Choice{Folder: at.inside, Real: at.real, Branch: name.Branch(f.branch), Names: apps},
		alone:  !has(at.root, ".git") && !has(at.root, appfile.Name),
	}, nil
}

// location is a folder in a tree.
type location struct {
	root   string // of the tree, an absolute path
	inside string // the folder's path from the root, as given
	real   string // the same path with links resolved
}

// locate finds the tree of a folder. A folder that is reached by a link from outside
// its tree is where the link leads.
func locate(dir string) (location, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return location{}, err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return location{}, err
	}
	for _, folder := range []string{abs, real} {
		root := rootOf(folder)
		realRoot, err := filepath.EvalSymlinks(root)
		if err != nil {
			return location{}, err
		}
		inside, ok := within(root, folder)
		realInside, alike := within(realRoot, real)
		if ok && alike && (folder == real || root != folder) {
			return location{root, inside, realInside}, nil
		}
	}
	return location{real, ".", "."}, nil
}

// within returns the path of a folder from a root that it is in.
func within(root, folder string) (string, bool) {
	inside, err := filepath.Rel(root, folder)
	if err != nil || inside == ".." || strings.HasPrefix(inside, ".."+string(filepath.Separator)) {
		return "", false
	}
	return filepath.ToSlash(inside), true
}

// rootOf returns the root of a folder's tree: the folder itself if it has a
// pushboat.yaml, or else the nearest folder above that is a Git work tree, or has a
// pushboat.yaml where there is no Git; or the folder itself.
func rootOf(dir string) string {
	if has(dir, appfile.Name) {
		return dir
	}
	declared := dir
	for root := dir; ; root = filepath.Dir(root) {
		if has(root, ".git") {
			return root
		}
		if declared == dir && has(root, appfile.Name) {
			declared = root
		}
		if root == filepath.Dir(root) {
			return declared
		}
	}
}

func has(folder, name string) bool {
	_, err := os.Lstat(filepath.Join(folder, name))
	return err == nil
}
