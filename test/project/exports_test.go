package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// calledByOthers are exported methods that the code never names: a library or the
// language calls them, by an interface.
var calledByOthers = map[string]string{
	"CallCost":                       "cel's checker.CostEstimator",
	"CleanedAbs":                     "kustomize's filesys.FileSystem",
	"HandleWarningHeaderWithContext": "client-go's rest.WarningHandlerWithContext",
	"HasEncodedObject":               "go-git's storer.EncodedObjectStorer",
	"MarshalJSON":                    "json.Marshaler",
	"Resync":                         "client-go's cache.ReflectorStore",
	"Transformer":                    "client-go's cache.TransformingStore",
	"UnmarshalJSON":                  "json.Unmarshaler",
	"UnmarshalYAML":                  "yaml.Unmarshaler",
	"UpdateResourceVersion":          "client-go's cache.ResourceVersionUpdater",
	"Walk":                           "kustomize's filesys.FileSystem",
	"WrappedRoundTripper":            "client-go's net.RoundTripperWrapper",
}

// TestExportsHaveUsers finds exported functions, methods, types, constants and variables
// of internal packages that no code but tests names. It goes by name: two of one name
// cover for each other.
func TestExportsHaveUsers(t *testing.T) {
	declared, named := exportsOf(t)
	var unused []string
	for name, at := range declared {
		if named[name] == 0 && calledByOthers[name] == "" {
			unused = append(unused, at+": "+name)
		}
	}
	slices.Sort(unused)
	for _, line := range unused {
		t.Errorf("%s has no user but tests: remove it, or do not export it", line)
	}
	if len(declared) < 500 {
		t.Errorf("%d exports were looked at: this test looks at too little", len(declared))
	}
	for _, name := range slices.Sorted(maps.Keys(calledByOthers)) {
		if _, ok := declared[name]; !ok {
			t.Errorf("nothing is named %s any more: remove it from calledByOthers", name)
		}
	}
}

// exportsOf returns where the internal packages declare each exported name, and how often
// the code beside tests names it otherwise.
func exportsOf(t *testing.T) (declared map[string]string, named map[string]int) {
	declared, named = map[string]string{}, map[string]int{}
	files := token.NewFileSet()
	walk := func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		own := declarations(file)
		internal := strings.Contains(filepath.ToSlash(name), "/internal/") && !strings.Contains(name, "test/")
		ast.Inspect(file, func(node ast.Node) bool {
			id, ok := node.(*ast.Ident)
			switch {
			case !ok || !id.IsExported():
			case !own[id]:
				named[id.Name]++
			case internal:
				declared[id.Name] = files.Position(id.Pos()).String()
			}
			return true
		})
		return nil
	}
	for _, dir := range []string{"internal", "cmd", "hooks"} {
		if err := filepath.WalkDir(filepath.Join(root, dir), walk); err != nil {
			t.Fatal(err)
		}
	}
	return declared, named
}

// declarations are the identifiers by which a file declares functions, methods, types,
// constants and variables.
func declarations(file *ast.File) map[*ast.Ident]bool {
	own := map[*ast.Ident]bool{}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			own[decl.Name] = true
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					own[spec.Name] = true
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						own[id] = true
					}
				}
			}
		}
	}
	return own
}
