package script

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

const recipeUsage = "recipe APP HEADING [JOB]"

// recipeHost is the server of the recipes.
const recipeHost = "git.example.org"

var indented = regexp.MustCompile(`(?m)^(?:    .*\n)+`)

// cmdRecipe runs a recipe of docs/ci.md in the current folder, as it stands there but for the
// names of repository and app: what is indented below a heading, or a job of its YAML. It has
// what the page says that a job is given, and no other key.
func cmdRecipe(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 && len(args) != 3 {
		ts.Fatalf("usage: %s", recipeUsage)
	}
	page, err := os.ReadFile("../../docs/ci.md")
	ts.Check(err)
	job := ""
	if len(args) == 3 {
		job = args[2]
	}
	recipe, err := readRecipe(string(page), args[1], job)
	ts.Check(err)
	recipe = strings.NewReplacer(recipeHost+"/shop ", recipeHost+"/"+ts.Getenv("APP")+" ", " shop ", " "+args[0]+" ").Replace(recipe)
	if !strings.Contains(recipe, recipeHost) {
		ts.Fatalf("the recipe has nothing to do with %s:\n%s", recipeHost, recipe)
	}
	given, err := on(ts).jobOf(ts, args[0], args[1])
	ts.Check(err)
	err = execute(ts, append(append([]string{"env"}, given...), "sh", "-e", "-c", recipe)...)
	switch {
	case err == nil && neg:
		ts.Fatalf("the recipe succeeded:\n%s", recipe)
	case err != nil && (!neg || status(err) < 0):
		ts.Fatalf("%v, in the recipe\n%s", err, recipe)
	}
}

// readRecipe finds the shell part of a recipe.
func readRecipe(page, heading, job string) (string, error) {
	_, section, found := strings.Cut(page, "\n## "+heading+"\n")
	if !found {
		return "", fmt.Errorf("docs/ci.md has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	block := fenced.FindStringSubmatch(section)
	switch {
	case job == "" && block == nil:
		return strings.Join(indented.FindAllString(section, -1), ""), nil
	case job == "" || block == nil:
		return "", errors.New("a job is for recipes in YAML, which need one")
	}
	var recipe any
	if err := yaml.Unmarshal([]byte(block[2]), &recipe); err != nil {
		return "", err
	}
	return strings.Join(shellOf(recipe, job, false), "\n"), nil
}

// shellOf lists what a job of a recipe has the shell do; in says that the value is of the job.
func shellOf(value any, job string, in bool) (lines []string) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			one, _ := element.(map[string]any)
			lines = append(lines, shellOf(element, job, in || one["name"] == job)...)
		}
	case map[string]any:
		for key, field := range value {
			switch list, isList := field.([]any); {
			case in && (key == "run" || key == "script") && isList:
				for _, line := range list {
					lines = append(lines, fmt.Sprint(line))
				}
			case in && (key == "run" || key == "script"):
				lines = append(lines, fmt.Sprint(field))
			default:
				lines = append(lines, shellOf(field, job, in || key == job)...)
			}
		}
	}
	return lines
}

// jobOf is the environment of a job: a home of its own, in which ssh finds recipeHost and nothing
// else of this machine, and what the page says that jobs are given. Recipes in plain shell find
// their key in the home.
func (s *stage) jobOf(ts *testscript.TestScript, app, heading string) ([]string, error) {
	home, err := os.MkdirTemp(s.Dir, "job-")
	if err != nil {
		return nil, err
	}
	keys := filepath.Join(home, "given")
	if heading == "Plain shell" || heading == "Another image without a clone" {
		keys = filepath.Join(home, ".ssh")
	}
	key, err := os.ReadFile(s.Path("ssh", "dora.key"))
	if err != nil {
		return nil, err
	}
	host, err := os.ReadFile(s.Path("ssh", "known_hosts"))
	if err != nil {
		return nil, err
	}
	known := strings.ReplaceAll(string(host), "pushboat ", recipeHost+" ")
	head := exec.Command("git", "-C", ts.MkAbs("."), "rev-parse", "HEAD")
	commit, err := head.Output()
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.Mkdir(keys, 0o700), os.WriteFile(filepath.Join(keys, "id_ed25519"), key, 0o600),
		os.WriteFile(filepath.Join(keys, "known_hosts"), []byte(known), 0o600), s.writeShell(home))
	revision := strings.TrimSpace(string(commit))
	given := []string{
		"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":" + ts.Getenv("PATH"), "GIT_SSH_COMMAND=ssh",
		"GITHUB_SHA=" + revision, "CI_COMMIT_SHA=" + revision, "APP=" + app, "IMAGE=registry.example/web:1.20", "KEYS=" + keys,
	}
	return append(given, secretsOf(heading, keys, string(key), known)...), err
}

// secretsOf are the secrets of a job: texts, and files for GitLab.
func secretsOf(heading, keys, key, known string) []string {
	if heading == "GitLab CI" {
		return []string{"DEPLOY_KEY=" + filepath.Join(keys, "id_ed25519"), "HOST_KEY=" + filepath.Join(keys, "known_hosts")}
	}
	return []string{"DEPLOY_KEY=" + key, "HOST_KEY=" + strings.TrimSpace(known)}
}

// writeShell has ssh find recipeHost at the script's server, by the keys in the home.
func (s *stage) writeShell(home string) error {
	config, err := os.ReadFile(s.Path("ssh", "dora"))
	if err != nil {
		return err
	}
	program, err := exec.LookPath("ssh")
	if err != nil {
		return err
	}
	own := strings.NewReplacer("Host pushboat\n", "Host "+recipeHost+"\n", "HostKeyAlias pushboat\n", "HostKeyAlias "+recipeHost+"\n",
		s.Path("ssh", "dora.key"), filepath.Join(home, ".ssh", "id_ed25519"), s.Path("ssh", "known_hosts"), filepath.Join(home, ".ssh", "known_hosts")).Replace(string(config))
	file := filepath.Join(home, "config")
	text := fmt.Sprintf("#!/bin/sh\nexec '%s' -F '%s' \"$@\"\n", program, file)
	return errors.Join(os.WriteFile(file, []byte(own), 0o600), os.Mkdir(filepath.Join(home, "bin"), 0o700),
		os.WriteFile(filepath.Join(home, "bin", "ssh"), []byte(text), 0o700)) //nolint:gosec // it is a program
}
