package project

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestRecipesAreWellFormed reads the recipes of docs/ci.md as YAML, and their shell parts, and
// the plain ones, as a shell does.
func TestRecipesAreWellFormed(t *testing.T) {
	page := read(t, "docs/ci.md")
	var scripts []string
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1)
	for _, block := range blocks {
		var recipe any
		if err := yaml.Unmarshal([]byte(block[1]), &recipe); err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
		scripts = append(scripts, shellOf(recipe)...)
	}
	plain := regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(regexp.MustCompile("(?s)```yaml\n.*?```").ReplaceAllString(page, ""), -1)
	if len(blocks) != 4 || len(scripts) < 6 || len(plain) < 3 {
		t.Fatalf("found %d recipes, %d scripts in them, and %d plain ones", len(blocks), len(scripts), len(plain))
	}
	for _, script := range append(scripts, plain...) {
		check := exec.Command("sh", "-n")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("sh -n: %v: %s\n%s", err, out, script)
		}
	}
}

// shellOf returns the scripts in a recipe: what is below run or script.
func shellOf(value any) []string {
	var scripts []string
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			scripts = append(scripts, shellOf(element)...)
		}
	case map[string]any:
		for key, field := range value {
			lines, isList := field.([]any)
			text, isText := field.(string)
			switch {
			case (key == "run" || key == "script") && isText:
				scripts = append(scripts, text)
			case key == "script" && isList:
				var script []string
				for _, line := range lines {
					if one, ok := line.(string); ok {
						script = append(script, one)
					}
				}
				scripts = append(scripts, strings.Join(script, "\n"))
			default:
				scripts = append(scripts, shellOf(field)...)
			}
		}
	}
	return scripts
}
