package project

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one instruction of a Dockerfile, with its continued lines joined.
type instruction struct{ word, rest string }

// TestDockerfileCopiesWhatExists checks the source of every COPY: it must be in the
// repository, or a product of the build stage.
func TestDockerfileCopiesWhatExists(t *testing.T) {
	instructions := dockerfile(t)
	built := builtPrograms(t, instructions)
	copies := 0
	for _, i := range instructions {
		if i.word != "COPY" {
			continue
		}
		copies++
		words := strings.Fields(i.rest)
		fromBuild := words[0] == "--from=build"
		if fromBuild {
			words = words[1:]
		}
		for _, source := range words[:len(words)-1] {
			if fromBuild && !slices.Contains(built, source) {
				t.Errorf("COPY %s: the build stage makes %v", source, built)
			}
			if !fromBuild && !exists(source) {
				t.Errorf("COPY %s: the repository has no such file", source)
			}
		}
	}
	if copies < 2 || len(built) < 2 {
		t.Errorf("%d COPYs and %d programs were found: this test compares too little", copies, len(built))
	}
}

// TestDockerfileHasAllThatTheServerImports checks that the build stage copies the folders
// of all packages of which the two programs consist.
func TestDockerfileHasAllThatTheServerImports(t *testing.T) {
	var copied []string
	for _, i := range dockerfile(t) {
		if i.word == "COPY" && !strings.HasPrefix(i.rest, "--from") {
			words := strings.Fields(i.rest)
			copied = append(copied, words[:len(words)-1]...)
		}
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}",
		"./cmd/pushboat", "./cmd/pushboat-hook")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the packages of the server: %v", err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 3 {
		t.Errorf("the server consists of %v: this test compares too little", packages)
	}
	for _, pkg := range packages {
		folder, _, _ := strings.Cut(strings.TrimPrefix(pkg, modulePath+"/"), "/")
		if !slices.Contains(copied, folder) {
			t.Errorf("the build stage does not copy %s, the folder of %s", folder, pkg)
		}
	}
}

// TestDockerfileStampsAsTheMakefile: the image's programs are stamped with version, commit
// and date too.
func TestDockerfileStampsAsTheMakefile(t *testing.T) {
	stamps := regexp.MustCompile(`-X (main\.\w+)=\$`)
	names := func(file string) []string {
		var names []string
		for _, found := range stamps.FindAllStringSubmatch(read(t, file), -1) {
			names = append(names, found[1])
		}
		return names
	}
	if made, image := names("Makefile"), names("Dockerfile"); len(made) < 3 || !slices.Equal(made, image) {
		t.Errorf("the Makefile stamps %q, the Dockerfile %q", made, image)
	}
}

// TestDockerfileRunsAsNobodySpecial checks that the last USER is not root.
func TestDockerfileRunsAsNobodySpecial(t *testing.T) {
	user := ""
	for _, i := range dockerfile(t) {
		switch i.word {
		case "FROM":
			user = ""
		case "USER":
			user = i.rest
		}
	}
	if !regexp.MustCompile(`^[1-9][0-9]*(:[1-9][0-9]*)?$`).MatchString(user) {
		t.Errorf("USER is %q, want the number of a user: Kubernetes' runAsNonRoot needs one", user)
	}
}

// TestDockerfileStartsTheServer compares the ENTRYPOINT with the program: the help text
// must have its verb and each of its flags.
func TestDockerfileStartsTheServer(t *testing.T) {
	entry := entrypoint(t)
	binary := filepath.Join(t.TempDir(), "pushboat")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, "./cmd/pushboat")
	build.Dir = root
	build.Env = append(os.Environ(), asTheMakefile...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build pushboat: %v\n%s", err, out)
	}
	help, err := exec.Command(binary, entry[1], "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("pushboat %s --help: %v\n%s", entry[1], err, help)
	}
	for _, word := range entry[2:] {
		if strings.HasPrefix(word, "--") && !strings.Contains(string(help), word) {
			t.Errorf("ENTRYPOINT gives %s, which `pushboat %s --help` does not know:\n%s", word, entry[1], help)
		}
	}
}

// entrypoint returns the words of the ENTRYPOINT. Its program must be copied to the path at
// which the ENTRYPOINT runs it.
func entrypoint(t *testing.T) []string {
	t.Helper()
	var words []string
	var copied []string
	for _, i := range dockerfile(t) {
		switch i.word {
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(i.rest), &words); err != nil {
				t.Fatalf("ENTRYPOINT is not a JSON list: %v", err)
			}
		case "COPY":
			fields := strings.Fields(i.rest)
			for _, source := range fields[:len(fields)-1] {
				copied = append(copied, path.Join(fields[len(fields)-1], path.Base(source)))
			}
		}
	}
	if len(words) < 3 || words[1] != "serve" {
		t.Fatalf("ENTRYPOINT is %q, which does not serve", words)
	}
	if !slices.Contains(copied, words[0]) {
		t.Errorf("ENTRYPOINT runs %s, and no COPY puts it there", words[0])
	}
	return words
}

// builtPrograms are the files that `go build -o /out/ ./cmd/…` writes.
func builtPrograms(t *testing.T, instructions []instruction) []string {
	t.Helper()
	var built []string
	for _, i := range instructions {
		if i.word != "RUN" || !strings.Contains(i.rest, "go build") {
			continue
		}
		for word := range strings.FieldsSeq(i.rest) {
			if strings.HasPrefix(word, "./cmd/") {
				built = append(built, path.Join("/out", path.Base(word)))
				if !exists(word) {
					t.Errorf("the build stage builds %s, which does not exist", word)
				}
			}
		}
	}
	return built
}

// dockerfile returns the instructions of the Dockerfile.
func dockerfile(t *testing.T) []instruction {
	t.Helper()
	var instructions []instruction
	text := strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		instructions = append(instructions, instruction{word, strings.TrimSpace(rest)})
	}
	return instructions
}
