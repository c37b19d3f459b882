package git

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Quarantine is the place where git keeps the objects of a push until pre-receive has
// accepted it. The zero value is none.
type Quarantine struct {
	// ObjectDir is GIT_QUARANTINE_PATH as the hook received it.
	ObjectDir string
}

// IsZero reports whether there is no quarantine.
func (q Quarantine) IsZero() bool { return q.ObjectDir == "" }

// git creates objects/tmp_objdir-incoming-XXXXXX since 2.35.
var incomingName = regexp.MustCompile(`^tmp_objdir-incoming-[A-Za-z0-9]{6,16}$`)

// locate checks that a quarantine belongs to this repository and returns its directory,
// "" for none. The path came from a process that we did not write (git) through one
// that anybody may run (the hook): only its last element is taken, and the rest must be
// the known path.
func (r *Repository) locate(q Quarantine) (string, error) {
	if q.IsZero() {
		return "", nil
	}
	name := filepath.Base(q.ObjectDir)
	dir := filepath.Join(r.dir, "objects", name)
	if filepath.Clean(q.ObjectDir) != dir || !incomingName.MatchString(name) {
		return "", fmt.Errorf("quarantine %s is not one of repository %q", quoteShort(q.ObjectDir), r.name)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("quarantine of repository %q: %w", r.name, err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("quarantine %s is not a directory", quoteShort(q.ObjectDir))
	}
	return dir, nil
}

// quarantineEnv lets a git command of ours see quarantined objects.
func (r *Repository) quarantineEnv(q Quarantine) ([]string, error) {
	dir, err := r.locate(q)
	if err != nil || dir == "" {
		return nil, err
	}
	return []string{
		"GIT_OBJECT_DIRECTORY=" + dir,
		"GIT_ALTERNATE_OBJECT_DIRECTORIES=" + quoteAlternate(filepath.Join(r.dir, "objects")),
	}, nil
}

// quoteAlternate writes a path as git reads one from a colon-separated list.
func quoteAlternate(path string) string {
	if !strings.ContainsAny(path, ":\"\\\n") {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}
