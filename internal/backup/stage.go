package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// stage is the folder into which archives are unpacked. Its paths are those that
// limitOf knows, and os.Root is the second wall.
type stage struct {
	root   *os.Root
	folder string    // that was written to last
	inside *os.Root  // of it; nil: none was
	repo   name.Repo // the only one to restore; "": all
	made   map[string]bool
	have   sums   // existing files
	state  sums   // the files in the last archive's list
	header Header // of the last archive
	bytes  int64
}

func newStage(dir string, repo name.Repo) (*stage, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	return &stage{root: root, repo: repo, made: map[string]bool{".": true}, have: sums{}}, nil
}

// wants reports whether a file is restored.
func (s *stage) wants(name string) bool { return s.repo == "" || belongs(name, s.repo) }

// put writes a file, and replaces that of an earlier archive.
func (s *stage) put(name string, content io.Reader) error {
	if _, there := s.have[name]; there {
		if err := s.drop(name); err != nil {
			return err
		}
	}
	inside, err := s.enter(path.Dir(name))
	if err != nil {
		return err
	}
	file, err := inside.OpenFile(path.Base(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", quoted(name), err)
	}
	s.have[name] = sum{} // take adds its hash
	s.bytes += n
	return nil
}

// enter opens a folder, and creates it if need be. A root opens each folder on the way to a
// file: most files lie where the one before them lies.
func (s *stage) enter(folder string) (*os.Root, error) {
	if s.inside != nil && s.folder == folder {
		return s.inside, nil
	}
	if !s.made[folder] {
		if err := s.root.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		s.made[folder] = true
	}
	inside, err := s.root.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	if s.inside != nil {
		_ = s.inside.Close() // nothing is written to it
	}
	s.folder, s.inside = folder, inside
	return inside, nil
}

// close lets the folders go.
func (s *stage) close() {
	if s.inside != nil {
		_ = s.inside.Close() // as above
	}
	_ = s.root.Close()
}

func (s *stage) drop(name string) error {
	info, err := s.root.Lstat(name)
	if err == nil {
		err = s.root.Remove(name)
	}
	if err != nil {
		return err
	}
	s.bytes -= info.Size()
	delete(s.have, name)
	return nil
}

// take notes the files of an archive, and its list.
func (s *stage) take(archive *reader) {
	for name, hash := range archive.read {
		if s.wants(name) {
			s.have[name] = hash
		}
	}
	s.header, s.state = archive.header, archive.state
}

// settle removes all files outside the state, and requires all files of the state.
func (s *stage) settle() error {
	for name := range maps.Clone(s.have) {
		if _, stays := s.state[name]; !stays {
			if err := s.drop(name); err != nil {
				return err
			}
			s.prune(path.Dir(name))
		}
	}
	for name, want := range s.state {
		if got, there := s.have[name]; s.wants(name) && (!there || got != want) {
			return fmt.Errorf("%s is in none of the archives as it has to be: were all given, in order?", quoted(name))
		}
	}
	return nil
}

// prune removes empty folders.
func (s *stage) prune(dir string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil {
			return
		}
		delete(s.made, dir)
	}
}

// repositories returns the names of the repositories in the state, but for the server's own.
func (s *stage) repositories() []string {
	var names []string
	for name := range s.state {
		inside, _ := underRepos(name)
		repo, ok := strings.CutSuffix(inside, ".git/HEAD")
		if ok && repo != string(access.AdminRepo) {
			names = append(names, repo)
		}
	}
	if len(names) == 0 {
		return []string{"none"}
	}
	slices.Sort(names)
	const shown = 20
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("and %d more", len(names)-shown))
	}
	return names
}

// isNothing reports whether a folder is empty, apart from entries of the file system
// itself and the remains of an earlier restore.
func isNothing(entries []fs.DirEntry, leftover string) bool {
	return !slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return entry.Name() != "lost+found" && entry.Name() != leftover
	})
}
