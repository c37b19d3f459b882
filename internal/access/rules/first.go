package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
)

// firstGroup is the group of the first admins, which the first access.yaml names.
const firstGroup = "admins"

// ErrNoAdmin is the error of First when no key may administer the server.
var ErrNoAdmin = errors.New("no key of the key files may administer the server, so that nobody could change the rules; give one with --admin-key FILE.pub")

// First returns the files of a server's first admin.git: base, and with it each admin as
// an operator, all in one group.
func First(base fs.FS, admins []access.AdminKey) (map[string][]byte, error) {
	if len(admins) == 0 {
		return nil, ErrNoAdmin
	}
	files := map[string][]byte{}
	err := fs.WalkDir(base, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[path], err = fs.ReadFile(base, path)
		return err
	})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, admin := range admins {
		name := nameOf(admin.Name, names)
		file := operatorsDir + "/" + name + ".yaml"
		if files[file] == nil {
			files[file] = []byte("kind: person\nkeys:\n")
			names = append(names, name)
		}
		files[file] = fmt.Appendf(files[file], "  - key: %s\n", admin.Key)
		if admin.From != "" {
			files[file] = fmt.Appendf(files[file], "    from: [\"%s\"]\n", strings.ReplaceAll(string(admin.From), ",", `", "`))
		}
	}
	slices.Sort(names)
	files[groupsFile] = fmt.Appendf(files[groupsFile], "  %s: [\"%s\"]\n", firstGroup, strings.Join(names, `", "`))
	return files, nil
}

// nameOf is the name in the rules of an operator of a key file. One that differs from another only in its
// capitals is the same, and names that mean something else get a digit.
func nameOf(name string, others []string) string {
	for _, other := range others {
		if strings.EqualFold(other, name) {
			return other
		}
	}
	if name == firstGroup || name == Everyone {
		return name + "-1"
	}
	return name
}
