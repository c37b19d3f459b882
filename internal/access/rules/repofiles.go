package rules

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// repoFiles is a folder with a file for each of some repositories: DIR/REPOSITORY.yaml.
type repoFiles struct {
	dir, what string // mirrors, mirror
	most      int    // files
	read      func(repo name.Repo, file string)
	found     int
}

// readRepoFiles reads the files of a folder and its folders, which may be missing.
func (p *parser) readRepoFiles(of *repoFiles, folder string, depth int) {
	entries, err := fs.ReadDir(p.tree, folder)
	if err != nil {
		return // it is no folder, or not there
	}
	if len(entries) > 2*of.most {
		p.add(folder, 0, fmt.Sprintf("there are more than %d files", 2*of.most), fmt.Sprintf("keep only %ss here", of.what))
		return
	}
	way := fmt.Sprintf("a %s is %s/REPOSITORY.yaml", of.what, of.dir)
	for _, entry := range entries {
		file := path.Join(folder, entry.Name())
		stem, is := strings.CutSuffix(strings.TrimPrefix(file, of.dir+"/"), ".yaml")
		repo := name.Repo(stem)
		switch {
		case entry.IsDir() && depth < name.MaxRepoParts:
			p.readRepoFiles(of, file, depth+1)
		case entry.IsDir():
			p.add(file, 0, "this folder is not read", way)
		case is && (repo.Check() != nil || repo == access.AdminRepo):
			p.add(file, 0, fmt.Sprintf("%q is no name of a repository that can have a %s", manifest.Clean(stem), of.what), fmt.Sprintf("%s: %s/shop.yaml, %s/team/shop.yaml", way, of.dir, of.dir))
		case is && of.found >= of.most:
			p.add(file, 0, fmt.Sprintf("there are more than %d %ss", of.most, of.what), "")
			return
		case is:
			of.found++
			of.read(repo, file)
		case isYAML(entry.Name()):
			p.add(file, 0, "this file is not read", way)
		}
	}
}
