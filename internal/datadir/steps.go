package datadir

// A new version of the directory needs a step here, a test of the step with the
// directory of the version before (test/script/testdata has one of version 1), and a
// line in docs/backup.md. Servers from before 2026-11-28 check no version: version 2
// must move a file that they cannot start without.

// steps leads from each version to the next: the first from 1 to 2. There is none yet.
var steps = table{}

// table is all steps, oldest first.
type table []step

// current returns the version that the last step leads to.
func (s table) current() int { return len(s) + 1 }

// step leads from one version to the next.
type step struct {
	does   string // for the log: "keep the ids of clusters in one file"
	reads  []string
	change func(old files) (files, error)
}

// files are contents by path, with slashes, relative to the directory. In the result of
// a step, nil removes a file, and files that are not in it stay as they are. A step
// names the files that it reads by patterns of path.Match, one folder at a time;
// maxRead bounds them.
type files map[string][]byte

// maxRead bounds the contents that a step gets, in bytes.
const maxRead = 256 << 20
