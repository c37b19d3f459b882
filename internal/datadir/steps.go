package datadir

// A new version of the directory is a step here, a test of it with the directory of
// the version before (test/script/testdata has one of version 1), and a line in
// docs/backup.md. Servers of before 2026-11-28 look at no version: whoever makes
// version 2 has to move something that they cannot start without.

// steps leads from each version to the next: the first from 1 to 2. There is none yet.
var steps = table{}

// table is all steps, oldest first.
type table []step

// current is the version that the last step leads to.
func (s table) current() int { return len(s) + 1 }

// step leads from one version to the next.
type step struct {
	does   string // for the log: "keep the ids of clusters in one file"
	reads  []string
	change func(old files) (files, error)
}

// files are contents by path, with slashes, from the directory on. In what a step
// returns, nil removes a file, and what is not there stays as it is. What it reads is
// named by patterns of path.Match, a folder at a time; there may be maxRead of it.
type files map[string][]byte

// maxRead bounds the contents that a step is given, in bytes.
const maxRead = 256 << 20
