package meaning

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/appfile"
)

// Newest is the range of all versions of a chart but pre-releases.
const Newest = "*"

// Version is the version of a chart that a field names, or a range of versions: Newest if it is
// not written.
func (m *Map) Version(name string) string {
	version := m.Text(name)
	switch {
	case version == "":
		return Newest
	case !appfile.IsExactVersion(version) && !appfile.IsVersionRange(version):
		m.Problem(name, fmt.Sprintf("%s: %q is neither a version nor a range of versions", m.At(name), version), "write a version such as 1.2.3, or a range such as ~1.2 or >=1.0.0 <2.0.0")
	}
	return version
}
