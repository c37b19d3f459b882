package settings

import "github.com/pushboat/pushboat/internal/audit"

// Audit configures the audit trail, see audit.Config.
type Audit struct {
	FileSize Size
	Keep     int
	Ship     []string // targets, see audit.ParseTarget
}

// maxKept bounds the files of the trail: those of 32 MiB take 3.1 GiB, and a backup has
// them all.
const maxKept = 100

// maxTrailFile is the largest file of the trail that a backup takes.
const maxTrailFile Size = 1 << 30

// check notes mistakes in the settings of the audit trail.
func (a Audit) check(p *problems) {
	p.when(a.Keep > maxKept, "audit.keep", "%d is more than %d", a.Keep, maxKept)
	p.when(a.FileSize > maxTrailFile, "audit.fileSize", "%s is more than %s", a.FileSize, maxTrailFile)
	_, err := audit.ParseTargets(a.Ship)
	p.add("audit.ship", err)
}
