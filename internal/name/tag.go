package name

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// TagPrefix begins the full name of every tag.
const TagPrefix = "refs/tags/"

// Tag is a tag's short name, such as "v1.2.3".
type Tag string

// TagOf returns the tag that a ref's full name is: "v1" of "refs/tags/v1".
func TagOf(ref string) (Tag, bool) {
	tag, ok := strings.CutPrefix(ref, TagPrefix)
	return Tag(tag), ok
}

// ParseTag holds a tag's name that somebody wrote to what ParseBranch asks of a branch's. The
// error reads on from the quoted name: "is empty".
func ParseTag(s string) (Tag, error) {
	if strings.HasPrefix(s, "refs/") {
		return "", errors.New("is the name of a ref; write what comes after refs/tags/")
	}
	_, err := ParseBranch(s)
	return Tag(s), err
}

// Ref returns the full name of the tag: "refs/tags/v1" of "v1".
func (t Tag) Ref() string { return TagPrefix + string(t) }

// maxRange bounds a range of versions, in bytes.
const maxRange = 256

// ErrNoRange is the error for a text that is no range of versions. It reads on from the quoted
// text.
var ErrNoRange = errors.New("is no range of versions, such as 1.*, ~1.2 or >=1.0.0 <2.0.0")

// Range is a range of versions, by which tags are chosen.
type Range struct {
	within *semver.Constraints
	loose  bool
}

// ParseRange reads a range of versions as Flux has it: a tag is a version of three numbers, with
// a v before it or without. loose is as Argo CD has it: v1 and 1.2 are versions, too.
func ParseRange(s string, loose bool) (Range, error) {
	if len(s) > maxRange {
		return Range{}, ErrNoRange
	}
	within, err := semver.NewConstraint(s)
	if err != nil {
		return Range{}, ErrNoRange
	}
	return Range{within, loose}, nil
}

// looseVersion matches what counts as a version by itself, and is no range.
var looseVersion = regexp.MustCompile(`^v?[0-9]+(\.[0-9]+){0,2}([-+].*)?$`)

// IsRange reports whether a text means a range of versions, and neither one version nor a name.
func IsRange(s string) bool {
	_, err := ParseRange(s, true)
	return err == nil && !looseVersion.MatchString(s)
}

// version is the version that a tag is; nil if it is none.
func (r Range) version(tag Tag) *semver.Version {
	parse, text := semver.StrictNewVersion, strings.TrimPrefix(string(tag), "v")
	if r.loose {
		parse, text = semver.NewVersion, string(tag)
	}
	version, err := parse(text)
	if err != nil {
		return nil
	}
	return version
}

// Has reports whether a tag is a version in the range. Pre-releases are in a range that names
// one.
func (r Range) Has(tag Tag) bool {
	version := r.version(tag)
	return version != nil && r.within.Check(version)
}

// Highest returns the tag of the highest version in the range, "" if there is none. Of those of
// one version, as v1.0.0 and 1.0.0+2, it is the last by name.
func (r Range) Highest(tags []Tag) (highest Tag) {
	for _, tag := range NewestFirst(tags, r.loose) {
		if r.Has(tag) {
			return tag
		}
	}
	return ""
}

// NewestFirst are those of some tags that are versions, the highest first.
func NewestFirst(tags []Tag, loose bool) []Tag {
	type versioned struct {
		tag     Tag
		version *semver.Version
	}
	var found []versioned
	for _, tag := range tags {
		if version := (Range{loose: loose}).version(tag); version != nil {
			found = append(found, versioned{tag, version})
		}
	}
	slices.SortFunc(found, func(a, b versioned) int {
		if order := b.version.Compare(a.version); order != 0 {
			return order
		}
		return strings.Compare(string(b.tag), string(a.tag))
	})
	newest := make([]Tag, len(found))
	for i, one := range found {
		newest[i] = one.tag
	}
	return newest
}
