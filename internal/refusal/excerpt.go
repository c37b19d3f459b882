package refusal

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Limits of excerpts. What they cost a push that is refused is bounded by maxRead: 2 MiB of
// YAML are looked through in about 0.2 s.
const (
	around  = 3         // lines before the one that counts, and as many after it
	maxLine = 200       // bytes of one line
	maxFile = 512 << 10 // bytes of one file; larger ones have no excerpt
	maxRead = 2 << 20   // bytes of all files of one refusal
)

// Source is a pushed revision, out of which excerpts are cut.
type Source struct {
	Repo name.Repo
	Tree fs.FS
	// Secret reports whether an object that is secret comes from a file, whatever the file
	// looks like; nil: none does.
	Secret func(file string) bool
	// Redact removes values that must not be shown, which are known from elsewhere; nil:
	// there are none.
	Redact func(text string) string

	read  int
	files map[string]veil
}

// veil are the lines of a file that can be shown.
type veil struct {
	lines []string
	keys  bool
}

// Excerpt returns the lines around a place; nil if the revision does not have them, or they
// are too many.
func (s *Source) Excerpt(file string, line int) *Excerpt {
	if line < 1 || file == "" {
		return nil
	}
	shown, known := s.files[file]
	if !known {
		shown = s.open(file)
		if s.files == nil {
			s.files = map[string]veil{}
		}
		s.files[file] = shown
	}
	if line > len(shown.lines) {
		return nil
	}
	first := max(line-around, 1)
	e := &Excerpt{First: first, Keys: shown.keys}
	for _, text := range shown.lines[first-1 : min(line+around, len(shown.lines))] {
		if s.Redact != nil {
			text = s.Redact(text)
		}
		e.Lines = append(e.Lines, cut(text, maxLine))
	}
	return e
}

func (s *Source) open(file string) veil {
	if s.Tree == nil || !fs.ValidPath(file) {
		return veil{}
	}
	info, err := fs.Stat(s.Tree, file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile || s.read+int(info.Size()) > maxRead {
		return veil{}
	}
	data, err := fs.ReadFile(s.Tree, file)
	if err != nil || strings.ContainsRune(string(data), 0) {
		return veil{}
	}
	s.read += len(data)
	if s.Secret != nil && s.Secret(file) || s.Repo == access.AdminRepo && !isOpenRule(file) {
		return veil{manifest.VeilAll(data), true}
	}
	lines, keys := manifest.Veil(data)
	return veil{lines, keys}
}

// isOpenRule reports whether a file of admin.git has nothing to hide by itself. Others may
// have addresses of receivers, which are secrets, and credentials of clusters.
func isOpenRule(file string) bool {
	switch file {
	case "access.yaml", "groups.yaml", "repositories.yaml", "windows.yaml", "authorities.yaml":
		return true
	}
	return path.Dir(file) == "operators"
}
