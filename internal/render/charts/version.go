package charts

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Tagged begins a version that is whatever a tag of an OCI registry names: tag:stable.
const Tagged = "tag:"

// tagForm is a tag, of at most maxTag bytes (OCI Distribution Specification 1.1).
var tagForm = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]*$`)

const maxTag = 128

// Fixed reports whether the ref means one content for ever: an exact version, or a manifest's
// digest. Others are chosen among what the registry has, see Store.Choose.
func (r Ref) Fixed() bool { return isVersion(r.Version) || isDigest(r.Version) }

// Exact is the version that the chart itself has to have; "" if the ref does not say.
func (r Ref) Exact() string {
	if isVersion(r.Version) {
		return r.Version
	}
	return ""
}

// CheckVersion returns an error if a text means no version of a chart: an exact one, a range as
// Helm has them (~1.2, 1.x, >=1.0.0 <2.0.0, *), or, in an OCI registry, tag:NAME or a
// manifest's digest.
func CheckVersion(version string, oci bool) error {
	tag, tagged := strings.CutPrefix(version, Tagged)
	switch {
	case isVersion(version):
		return nil
	case isDigest(version), tagged && len(tag) <= maxTag && tagForm.MatchString(tag):
		if !oci {
			return fmt.Errorf("%q is of a registry whose address begins with oci://", version)
		}
		return nil
	case tagged:
		return fmt.Errorf("%q is no tag", version)
	case strings.TrimSpace(version) == "":
		return fmt.Errorf("%q is no version", version)
	}
	if _, err := semver.NewConstraint(version); err != nil {
		return fmt.Errorf("%q is neither a version nor a range of versions", version)
	}
	return nil
}

// newest returns the highest of the versions that is in a range; "" if none is. Pre-releases are
// in a range that names one, as for Helm and Flux.
func newest(within string, versions []string) (string, error) {
	constraint, err := semver.NewConstraint(within)
	if err != nil {
		return "", fmt.Errorf("%q is no range of versions: %w", within, err)
	}
	var best *semver.Version
	for _, text := range versions {
		if !isVersion(text) {
			continue
		}
		version, err := semver.NewVersion(text)
		if err == nil && constraint.Check(version) && (best == nil || version.GreaterThan(best)) {
			best = version
		}
	}
	if best == nil {
		return "", nil
	}
	return best.Original(), nil
}
