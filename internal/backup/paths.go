package backup

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/sealed"
)

// Folders of the data directory in a backup.
const (
	reposDir   = "repos"
	sealedDir  = "sealed"
	digestsDir = "charts/digests"
	trailDir   = "audit"
	hostKey    = "ssh/host_ed25519"
)

// maxOwn bounds a file at the top of the data directory that goes into a backup: the
// server's ids and secrets, and configuration and keys that somebody keeps there.
const maxOwn = 1 << 20

// maxTrail bounds a file of the audit trail, in bytes: one of the largest that the
// settings allow, and the lines that came with its last.
const maxTrail = 1<<30 + 64<<20

// others are the paths of files outside the repositories, and their maximum sizes.
var others = []struct {
	path  *regexp.Regexp
	limit int64
}{
	{regexp.MustCompile(`^` + regexp.QuoteMeta(hostKey) + `$`), 64 << 10},
	{regexp.MustCompile(`^` + sealedDir + `/[0-9a-f]{32}/[0-9a-f]{32}\.[a-z]{1,20}$`), sealed.MaxText + 1<<10},
	{regexp.MustCompile(`^` + digestsDir + `/[0-9a-f]{64}$`), 64 << 10},
	{regexp.MustCompile(`^` + trailDir + `/([0-9]{8}\.jsonl|head\.json)$`), maxTrail},
	{regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`), maxOwn},
}

// unfinished is the suffix of files that are being written.
const unfinished = ".new"

// reserved are names that no file at the top of the data directory has.
var reserved = []string{headerName, sumsName, reposDir, sealedDir, trailDir, "backups", "before", "clusters", "charts", "hooks", "lost+found", "notify", "refused", "run", "ssh", datadir.Restored}

// limitOf returns the maximum size of a file by its path; known is false for every path
// that no backup has. A known path never leads out of a directory.
func limitOf(path string) (limit int64, known bool) {
	if len(path) > maxPath || slices.Contains(reserved, path) {
		return 0, false
	}
	if inside, ok := underRepos(path); ok {
		_, limit, known = git.ParseCopyPath(inside)
		return limit, known
	}
	for _, other := range others {
		if other.path.MatchString(path) && !strings.HasSuffix(path, unfinished) {
			return other.limit, true
		}
	}
	return 0, false
}

// belongs reports whether a file is needed to restore one repository: it is the
// repository's, or the server's own.
func belongs(path string, repo name.Repo) bool {
	if inside, ok := underRepos(path); ok {
		of, _, _ := git.ParseCopyPath(inside)
		return of == repo
	}
	if inside, ok := strings.CutPrefix(path, sealedDir+"/"); ok {
		folder, _, _ := strings.Cut(inside, "/")
		return folder == sealed.FolderOf(repo)
	}
	return true
}
