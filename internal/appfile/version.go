package appfile

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// TagOf begins a version of a chart that is whatever a tag of an OCI registry names.
const TagOf = "tag:"

// exactVersion is a version of Semantic Versioning 2.0, and no range of them.
var exactVersion = regexp.MustCompile(`^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// IsExactVersion reports whether a version of a chart is one, and no range or tag.
func IsExactVersion(version string) bool { return exactVersion.MatchString(version) }

// IsDigest reports whether a text is a digest: sha256: and 64 hexadecimal digits.
func IsDigest(text string) bool { return exactDigest.MatchString(text) }

// IsVersionRange reports whether a text is a range of versions, as Helm has them: ~1.2, 1.x,
// >=1.0.0 <2.0.0, *.
func IsVersionRange(text string) bool {
	_, err := semver.NewConstraint(text)
	return err == nil && !exactVersion.MatchString(text)
}

// versioned is a chart or an artifact in a registry, in a field of an app.
type versioned struct{ field, repo, version, digest string }

// checkVersion reports a version that is neither exact, nor a range, nor, in an OCI registry, a tag
// or the digest of a manifest.
func (r *reader) checkVersion(of versioned, line int) {
	tag, tagged := strings.CutPrefix(of.version, TagOf)
	ofOCI := tagged && tag != "" || exactDigest.MatchString(of.version)
	switch {
	case IsExactVersion(of.version):
	case ofOCI && !strings.HasPrefix(of.repo, ociScheme):
		r.Add(line, fmt.Sprintf("%s.version: %q is of a registry whose address begins with oci://", of.field, of.version), "write a version such as 1.2.3, or a range such as ~1.2")
	case !ofOCI && !IsVersionRange(of.version):
		r.Add(line, fmt.Sprintf("%s.version: %q is neither a version nor a range", of.field, of.version), "write the one that is meant, such as 1.2.3, or a range, such as ~1.2")
	case of.digest != "" && !exactDigest.MatchString(of.version):
		r.Add(line, fmt.Sprintf("%s.digest is of one archive, and %s.version %q may mean others", of.field, of.field, of.version), "write the exact version, or take digest out")
	}
}
