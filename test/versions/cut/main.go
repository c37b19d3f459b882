// Command cut makes the documents in test/versions/testdata of a release of Kubernetes:
//
//	go run ./test/versions/cut 1.36.2
//
// It takes them from the module k8s.io/kubernetes, where every release keeps its API
// server's answers (api/discovery, api/openapi-spec): all of discovery, and those
// schemas of which a Deployment and a ConfigMap consist, without descriptions.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// excerpts are the kinds whose schemas are kept, by their document.
var excerpts = map[string]string{
	"api__v1_openapi.json":        "io.k8s.api.core.v1.ConfigMap",
	"apis__apps__v1_openapi.json": "io.k8s.api.apps.v1.Deployment",
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: cut VERSION, such as 1.36.2")
	}
	var module struct{ Dir, Error string }
	text, err := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@v"+args[0]).Output()
	if err == nil || len(text) > 0 {
		err = json.Unmarshal(text, &module)
	}
	if err == nil && module.Error != "" {
		err = errors.New(module.Error)
	}
	if err != nil {
		return fmt.Errorf("fetch the module: %w", err)
	}
	out := filepath.Join("test", "versions", "testdata", args[0])
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	whole := func(map[string]any) error { return nil }
	for from, to := range map[string]string{"aggregated_v2.json": "groups.json", "api__v1.json": "core.json"} {
		if err := cut(filepath.Join(module.Dir, "api", "discovery", from), filepath.Join(out, to), whole); err != nil {
			return err
		}
	}
	for name, root := range excerpts {
		reduce := func(document map[string]any) error { return excerpt(document, root) }
		if err := cut(filepath.Join(module.Dir, "api", "openapi-spec", "v3", name), filepath.Join(out, name), reduce); err != nil {
			return err
		}
	}
	return nil
}

// cut reads a document, reduces it, and writes it without blanks.
func cut(from, to string, reduce func(map[string]any) error) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("read %s: %w", from, err)
	}
	if err := reduce(document); err != nil {
		return fmt.Errorf("reduce %s: %w", from, err)
	}
	var compact bytes.Buffer
	encoder := json.NewEncoder(&compact)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	return os.WriteFile(to, compact.Bytes(), 0o644)
}

// excerpt removes all schemas from an OpenAPI document except one and those of which it
// consists.
func excerpt(document map[string]any, root string) error {
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	if schemas[root] == nil {
		return fmt.Errorf("the document has no schema %s", root)
	}
	kept, left := map[string]any{}, []string{root}
	for len(left) > 0 {
		name := left[len(left)-1]
		left = left[:len(left)-1]
		if kept[name] != nil {
			continue
		}
		kept[name] = schemas[name]
		left = append(left, references(schemas[name])...)
	}
	for name := range document {
		if name != "openapi" && name != "info" {
			delete(document, name)
		}
	}
	document["components"] = map[string]any{"schemas": kept}
	return nil
}

// references lists the schemas to which a value refers, and removes descriptions from the
// value.
func references(value any) (names []string) {
	switch value := value.(type) {
	case map[string]any:
		if _, isText := value["description"].(string); isText {
			delete(value, "description")
		}
		for key, child := range value {
			if text, isText := child.(string); isText && key == "$ref" {
				names = append(names, strings.TrimPrefix(text, "#/components/schemas/"))
			}
			names = append(names, references(child)...)
		}
	case []any:
		for _, child := range value {
			names = append(names, references(child)...)
		}
	}
	return names
}
