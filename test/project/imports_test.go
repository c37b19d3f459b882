package project

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const modulePath = "github.com/pushboat/pushboat"

// rule is one of depguard's rules in .golangci.yml.
type rule struct {
	Files []string
	Deny  []struct{ Pkg string }
}

// denies reports whether a rule forbids a package, by its path or by a prefix. For depguard
// a denied path is a prefix, unless it ends with $.
func (r rule) denies(pkg string) bool {
	return slices.ContainsFunc(r.Deny, func(d struct{ Pkg string }) bool {
		if exact, ok := strings.CutSuffix(d.Pkg, "$"); ok {
			return pkg == exact
		}
		return strings.HasPrefix(pkg, d.Pkg)
	})
}

// TestImportsPointUpwards compares .golangci.yml with the table of packages in
// ARCHITECTURE.md: each package is denied all packages below it.
func TestImportsPointUpwards(t *testing.T) {
	rules, order := depguardRules(t), packageTable(t)
	for i, pkg := range order {
		for _, later := range order[i+1:] {
			r := rules[strings.ReplaceAll(pkg, "/", "-")]
			if !r.denies(modulePath + "/internal/" + later) {
				t.Errorf(".golangci.yml lets internal/%s import internal/%s, which stands below it", pkg, later)
			}
		}
		for _, earlier := range order[:i] {
			r := rules[strings.ReplaceAll(pkg, "/", "-")]
			if r.denies(modulePath+"/internal/"+earlier) && (pkg != "deploy" || earlier != "git") {
				t.Errorf(".golangci.yml does not let internal/%s import internal/%s, which stands above it", pkg, earlier)
			}
		}
	}
	if !rules["deploy"].denies(modulePath + "/internal/git") {
		t.Error(".golangci.yml lets internal/deploy import internal/git")
	}
}

// TestEveryPackageIsInTheTable finds packages that are missing from the table.
func TestEveryPackageIsInTheTable(t *testing.T) {
	order := packageTable(t)
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "testdata" {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(filepath.Join(root, "internal"), path)
		if err != nil {
			return err
		}
		if hasGo(t, path) && !inTable(order, name) {
			t.Errorf("internal/%s is not in ARCHITECTURE.md's table of packages", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inTable reports whether a package, or the package of which it is a part, is in the table.
func inTable(order []string, name string) bool {
	for ; name != "."; name = filepath.Dir(name) {
		if slices.Contains(order, name) {
			return true
		}
	}
	return false
}

func hasGo(t *testing.T, dir string) bool {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(f fs.DirEntry) bool { return filepath.Ext(f.Name()) == ".go" })
}

// packageTable lists the internal packages in the order of the table.
func packageTable(t *testing.T) []string {
	t.Helper()
	var order []string
	for _, row := range tableRows(t, read(t, "ARCHITECTURE.md"), "### Packages") {
		order = append(order, strings.Trim(row[0], "`"))
	}
	return order
}

func depguardRules(t *testing.T) map[string]rule {
	t.Helper()
	var config struct {
		Linters struct {
			Enable   []string
			Settings struct {
				Depguard struct{ Rules map[string]rule }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".golangci.yml")), &config); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(config.Linters.Enable, "depguard") {
		t.Fatal(".golangci.yml does not enable depguard")
	}
	return config.Linters.Settings.Depguard.Rules
}
