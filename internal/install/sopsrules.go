package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxSopsRules bounds a .sops.yaml, in bytes.
const maxSopsRules = 1 << 20

// sopsRecipients are the age recipients for a file by the first rule of a .sops.yaml that
// matches its path; none if there is no such rule, or no .sops.yaml.
func sopsRecipients(file, path string) ([]string, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Size() > maxSopsRules:
		return nil, fmt.Errorf("%s has more than %d bytes", file, maxSopsRules)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config map[string]any // its keys are those of sops
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("read %s: it is no YAML as sops has it", file)
	}
	rules, _ := config["creation_rules"].([]any)
	for _, entry := range rules {
		rule, _ := entry.(map[string]any)
		pattern, _ := rule["path_regex"].(string)
		matches, err := regexp.MatchString(pattern, path)
		if err != nil {
			return nil, fmt.Errorf("read %s: path_regex %q: %w", file, pattern, err)
		}
		if matches {
			return ageOf(rule["age"]), nil
		}
	}
	return nil, nil
}

// ageOf reads recipients: a list, or a text with commas between.
func ageOf(value any) (recipients []string) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, entry := range list {
		text, _ := entry.(string)
		for one := range strings.SplitSeq(text, ",") {
			if one = strings.TrimSpace(one); one != "" {
				recipients = append(recipients, one)
			}
		}
	}
	return recipients
}
