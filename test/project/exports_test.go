package project

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// forTests are exports that only tests use, with the reason for each.
var forTests = map[string]string{
	"git.Repository.Dir": "where tests of other packages run git itself",
}

// A library looks for some methods in a value. They are in interfaces that no code of this
// module names: the interfaces of these packages, and those with these names.
var (
	lookedForIn = []string{"io/fs", "k8s.io/apimachinery/pkg/util/net"}
	lookedFor   = map[string]string{
		"GoString":      "package fmt",
		"Is":            "package errors",
		"IsZero":        "omitzero of package encoding/json",
		"MarshalJSON":   "package encoding/json",
		"Unwrap":        "package errors",
		"UnmarshalJSON": "package encoding/json",
		"UnmarshalYAML": "package sigs.k8s.io/yaml",
	}
)

// TestExportsHaveUsers finds exported functions, methods, types, constants and variables of
// internal packages that only tests use. A method also counts as used if its type is used
// through an interface that has the method.
func TestExportsHaveUsers(t *testing.T) {
	p := loadProgram(t)
	unused := map[string]string{} // the place, by name
	exports, shown := p.exports(), namesInTemplates(t)
	for _, object := range exports {
		inTemplate := object.Pkg().Name() == "web" && shown[object.Name()]
		if !p.used[object] && !p.calledByInterface(object) && !inTemplate {
			unused[nameOf(object)] = p.files.Position(object.Pos()).String()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		if forTests[name] == "" {
			t.Errorf("%s: %s is used by tests only: remove it, or do not export it", unused[name], name)
		}
	}
	for name := range forTests {
		if unused[name] == "" {
			t.Errorf("%s is not used by tests only: remove it from forTests", name)
		}
	}
	if len(exports) < 1000 {
		t.Errorf("%d exports were looked at: this test looks at too little", len(exports))
	}
}

// namesInTemplates are the names that pages take of their data, such as "More" in {{.More}}:
// a template names a method, and no code does.
func namesInTemplates(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "internal/web/templates/*.html"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d templates of pages: %v", len(files), err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range templateAction.FindAllString(string(text), -1) {
			for _, name := range templateName.FindAllStringSubmatch(action, -1) {
				names[name[1]] = true
			}
		}
	}
	return names
}

var (
	templateAction = regexp.MustCompile(`\{\{.*?\}\}`)
	templateName   = regexp.MustCompile(`\.([A-Z]\w*)`)
)

// nameOf writes an export as "package.Name" or "package.Type.Method".
func nameOf(object types.Object) string {
	name := object.Name()
	if f, ok := object.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			name = namedOf(recv.Type()).Obj().Name() + "." + name
		}
	}
	_, pkg, _ := strings.Cut(object.Pkg().Path(), "/internal/")
	return pkg + "." + name
}

// namedOf returns the named type of a receiver, without its pointer.
func namedOf(recv types.Type) *types.Named {
	if pointer, ok := recv.(*types.Pointer); ok {
		recv = pointer.Elem()
	}
	return recv.(*types.Named)
}

// program is all code of the module except its tests, type-checked.
type program struct {
	files      *token.FileSet
	packages   map[string]*types.Package
	used       map[types.Object]bool         // by code other than tests
	interfaces map[string][]*types.Interface // named by this code, by the names of their methods
	holders    map[*types.Func][]types.Type  // types that have the method from a type that they embed
	seen       map[*types.TypeName]bool
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Module                  *struct{ Main bool }
}

// own reports whether the package belongs to this module.
func (l listed) own() bool { return l.Module != nil && l.Module.Main }

// ofTests reports whether only tests use the package.
func (l listed) ofTests() bool {
	return strings.HasSuffix(l.ImportPath, "test") || strings.Contains(l.ImportPath, "/test/")
}

// loadProgram type-checks the module's own packages from their source, and reads their
// imports from the build cache.
func loadProgram(t *testing.T) *program {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,Module", "./internal/...", "./cmd/...", "./hooks")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), asTheMakefile...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{
		files: token.NewFileSet(), packages: map[string]*types.Package{},
		used: map[types.Object]bool{}, interfaces: map[string][]*types.Interface{}, holders: map[*types.Func][]types.Type{}, seen: map[*types.TypeName]bool{},
	}
	exports := map[string]string{}
	built := importer.ForCompiler(p.files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var l listed
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		exports[l.ImportPath] = l.Export
		if l.own() { // all imports of the package come before it
			if err := p.check(l, built); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, path := range lookedForIn {
		pkg, err := built.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range pkg.Scope().Names() {
			p.meet(pkg.Scope().Lookup(name).Type())
		}
	}
	return p
}

// check type-checks a package, and notes what it uses.
func (p *program) check(l listed, built types.Importer) error {
	var files []*ast.File
	for _, name := range l.GoFiles {
		file, err := parser.ParseFile(p.files, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: p.importer(built)}
	pkg, err := config.Check(l.ImportPath, p.files, files, info)
	if err != nil {
		return fmt.Errorf("check %s: %w", l.ImportPath, err)
	}
	p.packages[l.ImportPath] = pkg
	p.hold(pkg)
	if l.ofTests() {
		return nil
	}
	for _, object := range info.Uses {
		p.use(object)
	}
	for _, of := range info.Types {
		p.meet(of.Type)
	}
	return nil
}

// hold notes the methods that the types of a package have from embedded types.
func (p *program) hold(pkg *types.Package) {
	for _, name := range pkg.Scope().Names() {
		object, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || object.IsAlias() || types.IsInterface(object.Type()) {
			continue
		}
		holder := types.NewPointer(object.Type())
		for selection := range types.NewMethodSet(holder).Methods() {
			if f, ok := selection.Obj().(*types.Func); ok && len(selection.Index()) > 1 {
				p.holders[f] = append(p.holders[f], holder)
			}
		}
	}
}

// importerFunc is a function that imports packages.
type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

func (p *program) importer(built types.Importer) types.Importer {
	return importerFunc(func(path string) (*types.Package, error) {
		if pkg := p.packages[path]; pkg != nil {
			return pkg, nil
		}
		return built.Import(path)
	})
}

func (p *program) use(object types.Object) {
	switch o := object.(type) {
	case *types.Func:
		object = o.Origin()
	case *types.Var:
		object = o.Origin()
	}
	p.used[object] = true
}

// meet notes the interfaces that are part of a type.
func (p *program) meet(of types.Type) {
	switch of := of.(type) {
	case *types.Signature:
		for _, tuple := range []*types.Tuple{of.Params(), of.Results()} {
			for v := range tuple.Variables() {
				p.meet(v.Type())
			}
		}
	case *types.Interface:
		for m := range of.Methods() {
			p.interfaces[m.Name()] = append(p.interfaces[m.Name()], of)
		}
	case *types.Named:
		if p.seen[of.Obj()] {
			return
		}
		p.seen[of.Obj()] = true
		p.meet(of.Underlying())
		for m := range of.Methods() {
			p.meet(m.Type())
		}
	case *types.Struct:
		for f := range of.Fields() {
			p.meet(f.Type())
		}
	case *types.Pointer:
		p.meet(of.Elem())
	case *types.Slice:
		p.meet(of.Elem())
	case *types.Map:
		p.meet(of.Key())
		p.meet(of.Elem())
	case *types.Chan:
		p.meet(of.Elem())
	}
}

// calledByInterface reports whether a method may be called through an interface.
func (p *program) calledByInterface(object types.Object) bool {
	f, ok := object.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return false
	}
	if lookedFor[f.Name()] != "" {
		return true
	}
	holders := append(p.holders[f], types.NewPointer(namedOf(f.Signature().Recv().Type())))
	return slices.ContainsFunc(p.interfaces[f.Name()], func(i *types.Interface) bool {
		return slices.ContainsFunc(holders, func(holder types.Type) bool { return types.Implements(holder, i) })
	})
}

// exports returns the exported names of the internal packages, except those that help
// tests.
func (p *program) exports() []types.Object {
	var exports []types.Object
	for path, pkg := range p.packages {
		if !strings.Contains(path, "/internal/") || (listed{ImportPath: path}).ofTests() {
			continue
		}
		for _, name := range pkg.Scope().Names() {
			object := pkg.Scope().Lookup(name)
			if object.Exported() {
				exports = append(exports, object)
			}
			named, ok := object.Type().(*types.Named)
			if _, isType := object.(*types.TypeName); !ok || !isType {
				continue
			}
			for m := range named.Methods() {
				if m.Exported() {
					exports = append(exports, m)
				}
			}
		}
	}
	return exports
}
