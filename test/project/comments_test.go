package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCommentsNameWhatTheyDocument finds doc comments of functions and types that begin
// with another name: most of these are left from before a renaming.
func TestCommentsNameWhatTheyDocument(t *testing.T) {
	seen := 0
	files := token.NewFileSet()
	check := func(doc *ast.CommentGroup, name string) {
		if doc == nil {
			return
		}
		words := strings.Fields(doc.Text())
		if seen++; len(words) > 0 && strings.TrimRight(words[0], ".,:;") != name && !slices.Contains([]string{"A", "An", "The", "Deprecated:"}, words[0]) {
			t.Errorf("%s: the comment of %s begins with %q instead of that name", files.Position(doc.Pos()), name, words[0])
		}
	}
	walk := func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if !strings.HasSuffix(name, "_test.go") || !decl.Name.IsExported() { // the comment of a test may be a sentence
					check(decl.Doc, decl.Name.Name)
				}
			case *ast.GenDecl:
				checkTypes(decl, check)
			}
		}
		return nil
	}
	for _, dir := range []string{"internal", "cmd", "hooks", "test"} {
		if err := filepath.WalkDir(filepath.Join(root, dir), walk); err != nil {
			t.Fatal(err)
		}
	}
	if seen < 3000 {
		t.Errorf("%d comments were looked at: this test looks at too little", seen)
	}
}

// checkTypes checks the comments of types. A comment above a group is the comment of the
// group's only type.
func checkTypes(decl *ast.GenDecl, check func(*ast.CommentGroup, string)) {
	for _, spec := range decl.Specs {
		of, ok := spec.(*ast.TypeSpec)
		switch {
		case !ok:
		case of.Doc != nil:
			check(of.Doc, of.Name.Name)
		case len(decl.Specs) == 1:
			check(decl.Doc, of.Name.Name)
		}
	}
}
