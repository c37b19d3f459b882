package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// foreignKeys are keys of data whose format others define.
var foreignKeys = map[string]string{
	"bom-ref":                              "CycloneDX",
	"access_token":                         "a registry's answer (distribution spec)",
	"docker-manifest-digest":               "what cosign signs",
	"SignedEntryTimestamp":                 "an annotation of cosign's",
	"_type":                                "in-toto",
	"x-kubernetes-group-version-kind":      "OpenAPI of Kubernetes",
	"x-kubernetes-int-or-string":           "OpenAPI of Kubernetes",
	"x-kubernetes-preserve-unknown-fields": "OpenAPI of Kubernetes",
	"merged_at":                            "the APIs of GitHub, GitLab and Gitea",
	"merge_commit_sha":                     "likewise",
	"squash_commit_sha":                    "the API of GitLab",
	"full_name":                            "the APIs of GitHub and Gitea",
	"$defs":                                "JSON Schema",
	"$ref":                                 "JSON Schema",
}

// ownKey matches camelCase, in which Pushboat's own keys are written.
var ownKey = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)

// TestKeysAreCamelCase checks the keys of records, JSON output and files against the style
// that docs/ssh-verbs.md promises. A test of package settings checks the keys of the
// server's configuration.
func TestKeysAreCamelCase(t *testing.T) {
	seen := 0
	walk := func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			field, ok := node.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			for _, key := range keysOf(field.Tag.Value) {
				seen++
				if !ownKey.MatchString(key) && foreignKeys[key] == "" {
					t.Errorf("%s: the key %s is not in camelCase", files.Position(field.Pos()), key)
				}
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
	if seen < 300 {
		t.Errorf("%d keys were looked at: this test looks at too little", seen)
	}
}

// keysOf returns a field's keys in JSON and YAML, from its tag.
func keysOf(literal string) []string {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return nil
	}
	var keys []string
	for _, format := range []string{"json", "yaml"} {
		key, _, _ := strings.Cut(reflect.StructTag(text).Get(format), ",")
		if key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}
