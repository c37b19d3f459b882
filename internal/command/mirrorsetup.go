package command

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
)

// setupLines say what the rules have a mirror do.
func setupLines(s *mirror.Setup) (lines []string) {
	if s == nil {
		return nil
	}
	line := func(what string, words ...string) {
		words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
		if len(words) > 0 {
			lines = append(lines, (what + strings.Repeat(" ", 12))[:12]+manifest.Clean(strings.Join(words, ", ")))
		}
	}
	line("fetched", s.Schedule, listOf("branches", s.Branches, "the branch that HEAD names"), tagsOf(s.Tags, s.UsedBy), "a history that is rewritten: "+s.Rewrites)
	line("deployed", within("from the folder ", s.Path))
	line("used by", s.UsedBy...)
	line("with", slices.Concat(s.Credentials, []string{within("as ", s.User)}, s.HostKeys)...)
	line("gets back", backOf(s)...)
	return lines
}

// backOf is what upstream gets.
func backOf(s *mirror.Setup) (words []string) {
	words = append(words, statusWords(s.Credentials)...)
	switch s.Comments {
	case rules.CommentProblems:
		words = append(words, "comments on refused commits")
	case rules.CommentAlways:
		words = append(words, "comments on refused and on deployed commits")
	}
	if s.WriteBack != "" {
		words = append(words, "what set-image and set commit, as branches")
	}
	return words
}

// statusWords say whether a forge is told of commits.
func statusWords(credentials []string) []string {
	if slices.Contains(credentials, "statusFile") || slices.Contains(credentials, rules.StatusToken) {
		return []string{"statuses of commits"}
	}
	return nil
}

// tagsOf are the tags that are fetched.
func tagsOf(tags, usedBy []string) string {
	switch {
	case tags == nil && usedBy != nil:
		return "the highest versions of tags"
	case len(tags) == 0:
		return "no tags"
	}
	return listOf("tags", tags, "")
}

// sentText says what a remote gets.
func sentText(s *mirror.SentSetup) string {
	words := []string{listOf("branches", s.Branches, "the branches that feed apps")}
	if s.Tags == nil || len(s.Tags) > 0 {
		words = append(words, listOf("tags", s.Tags, "all tags"))
	}
	if s.Records {
		words = append(words, "the records")
	}
	words = append(words, statusWords(s.Credentials)...)
	if s.Force {
		words = append(words, "and what it has instead is replaced")
	}
	return manifest.Clean(strings.Join(words, ", "))
}

func listOf(what string, words []string, none string) string {
	if words == nil {
		return none
	}
	return what + " " + strings.Join(words, " ")
}

func within(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
