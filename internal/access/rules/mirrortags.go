package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// maxNewest bounds the tags of a mirror that says nothing of tags.
const maxNewest = 200

// tagsHint says how the tags of a mirror are written.
const tagsHint = "write names with * for any letters, or ranges of versions: tags: [v1.*, '>=2.0.0 <3']"

// isRangeOfTags reports whether an element of tags is a range of versions, and not a pattern:
// v1.* is a pattern.
func isRangeOfTags(text string) bool {
	return strings.ContainsAny(text, "<>=~^ |,")
}

// readTags reads which tags a mirror has; an empty list is for none.
func (m *Mirror) readTags(r *form.Reader, fields map[string]form.Field) {
	f, ok := fields["tags"]
	if !ok {
		return
	}
	m.Tags = []string{}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		return
	}
	for _, element := range r.Texts(f, maxPatterns) {
		text := element.Value.Value
		if err := checkTag(text); err != nil {
			r.Add(element.Line, fmt.Sprintf("tags: %q %v", manifest.Clean(text), err), tagsHint)
			continue
		}
		m.Tags = append(m.Tags, text)
	}
}

// checkTag refuses what fits no tag. The error reads on from the quoted text.
func checkTag(text string) error {
	if isRangeOfTags(text) {
		_, err := name.ParseRange(text, true)
		return err
	}
	p, err := glob.Parse(text)
	if err == nil {
		err = checkBranch(p)
	}
	return err
}

// TagsOf returns those of some tags that a mirror takes. One that says nothing of tags takes
// none, or if the apps of others come from it, the highest versions. limited says that there are
// more of these.
func (m *Mirror) TagsOf(tags []name.Tag) (taken []name.Tag, limited bool) {
	switch {
	case m.Tags == nil && m.UsedBy == nil:
		return nil, false
	case m.Tags == nil:
		newest := name.NewestFirst(tags, true)
		return newest[:min(len(newest), maxNewest)], len(newest) > maxNewest
	}
	return slices.DeleteFunc(slices.Clone(tags), func(tag name.Tag) bool { return !m.takesTag(tag) }), false
}

// takesTag reports whether tags names a tag.
func (m *Mirror) takesTag(tag name.Tag) bool {
	return slices.ContainsFunc(m.Tags, func(text string) bool {
		if !isRangeOfTags(text) {
			return glob.Pattern(text).Match(string(tag))
		}
		within, err := name.ParseRange(text, true)
		return err == nil && within.Has(tag)
	})
}
