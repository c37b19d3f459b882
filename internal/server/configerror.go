package server

import (
	"errors"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errorOfValue are errors of the YAML decoder that repeat what is in the file.
// People put tokens and keys where a file's name or a list belongs.
var errorOfValue = []struct {
	pattern *regexp.Regexp
	without string
}{
	{regexp.MustCompile(`(?s)^(line \d+: )cannot unmarshal .* into (\S+)$`), "${1}the value cannot be read as ${2}"},
	{regexp.MustCompile(`(?s)^(line \d+: )field .* (not found|already set) in type \S+$`), "${1}the name of a setting is wrong or stands twice"},
	{regexp.MustCompile(`(?s)^(line \d+: )mapping key .* already defined at (line \d+)$`), "${1}the same name stands at ${2}"},
	{regexp.MustCompile(`(?s)^(yaml: (?:line \d+: )?)unknown anchor '.*' referenced$`), "${1}an anchor is not known"},
	{regexp.MustCompile(`(?s)^(yaml: (?:line \d+: )?)anchor '.*' value contains itself$`), "${1}an anchor contains itself"},
	{regexp.MustCompile(`(?s)^(yaml: (?:line \d+: )?)invalid map key: .*$`), "${1}a name is no text"},
}

// plainSetting is a name that may be repeated: those of settings have no digits
// and no capitals.
var plainSetting = regexp.MustCompile(`^(line \d+: field [a-z_]{1,40} (?:not found|already set)) in type \S+$`)

// withoutValues returns an error of the YAML decoder without anything that was
// read but the names of settings.
func withoutValues(err error) error {
	var several *yaml.TypeError
	if !errors.As(err, &several) {
		return errors.New(withoutValue(err.Error()))
	}
	lines := make([]string, len(several.Errors))
	for i, line := range several.Errors {
		lines[i] = withoutValue(line)
	}
	return errors.New(strings.Join(lines, "; "))
}

func withoutValue(text string) string {
	if found := plainSetting.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	for _, known := range errorOfValue {
		if known.pattern.MatchString(text) {
			return known.pattern.ReplaceAllString(text, known.without)
		}
	}
	return text
}
