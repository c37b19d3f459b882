package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaFolder has the schemas of what verbs print with -o json.
const schemaFolder = "../../internal/command/schemas"

// checkOutput compares what a program has printed with the schema of its verb, if it is ssh
// with a verb and -o json. So each script that reads JSON also tests its schema.
func checkOutput(words []string, text string) error {
	at := slices.Index(words, "ssh")
	if at < 0 || strings.TrimSpace(text) == "" {
		return nil
	}
	words = words[at+1:]
	if o := slices.Index(words, "-o"); o < 0 || o+1 == len(words) || words[o+1] != "json" {
		return nil
	}
	schema, err := schemaOf(words)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	for {
		var value any
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("ssh %s prints no JSON: %w", strings.Join(words, " "), err)
		}
		if err := schema.Validate(value); err != nil {
			return fmt.Errorf("ssh %s prints what its schema does not have: %w\n%s", strings.Join(words, " "), err, text)
		}
	}
}

var (
	schemasMutex sync.Mutex
	schemas      = map[string]*jsonschema.Schema{} // by file
)

// schemaOf returns the schema of the verb that begins the words, which has two words or one.
func schemaOf(words []string) (*jsonschema.Schema, error) {
	schemasMutex.Lock()
	defer schemasMutex.Unlock()
	for n := min(2, len(words)); n > 0; n-- {
		file := filepath.Join(schemaFolder, strings.Join(words[:n], "-")+".json")
		if schemas[file] != nil {
			return schemas[file], nil
		}
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		schemas[file], err = compile(text)
		return schemas[file], err
	}
	return nil, fmt.Errorf("ssh %s has no schema", strings.Join(words, " "))
}

// compile compiles a schema. Readers allow for keys that are yet to come; here there are
// none but those of the schema.
func compile(text []byte) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	seal(document)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("output.json", document); err != nil {
		return nil, err
	}
	return compiler.Compile("output.json")
}

// seal allows the objects of a schema no other keys.
func seal(node any) {
	switch node := node.(type) {
	case map[string]any:
		if _, ok := node["properties"].(map[string]any); ok && node["type"] == "object" {
			node["additionalProperties"] = false
		}
		for _, value := range node {
			seal(value)
		}
	case []any:
		for _, value := range node {
			seal(value)
		}
	}
}

// TestOutputIsChecked: the check refuses output that its schema does not describe.
func TestOutputIsChecked(t *testing.T) {
	for _, test := range []struct{ words, text, wrong string }{
		{"as ana ssh web -o json", `{"url": "https://p/", "expires": "2026-01-31T18:00:00Z"}`, ""},
		{"as ana ssh web -o json", `{"url": "https://p/", "expires": "tomorrow"}`, "date-time"},
		{"as ana ssh web -o json", `{"url": "https://p/"}`, "missing"},
		{"as ana ssh web -o json", `{"url": "https://p/", "expires": "2026-01-31T18:00:00Z", "more": 1}`, "additional"},
		{"as ana ssh web -o json", "Open https://p/", "prints no JSON"},
		{"as ana ssh web -o json", "", ""},
		{"as ana ssh web", "Open https://p/", ""},
		{"as ana ssh -o ControlPath=x web", "Open https://p/", ""},
		{"as ana ssh nothing -o json", "{}", "has no schema"},
		{"as ana ssh repo list -o json", `[{"name": "shop", "apps": null}]`, "want array"},
		{"git log -o json", "{}", ""},
	} {
		err := checkOutput(strings.Fields(test.words), test.text)
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %s: %v, want %q", test.words, test.text, err, test.wrong)
		}
	}
}

// TestEveryOutputIsChecked: a script has the JSON of each verb.
func TestEveryOutputIsChecked(t *testing.T) {
	files, err := filepath.Glob(schemaFolder + "/*.json")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d schemas: %v", len(files), err)
	}
	scripts, err := filepath.Glob("*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, file := range files {
		verb := strings.TrimSuffix(filepath.Base(file), ".json")
		call := regexp.MustCompile(`(?m)^(! |exits \d )?(as \w+ )?ssh ` + strings.Replace(verb, "-", "[ -]", 1) + ` (.* )?-o json`)
		if !call.MatchString(all.String()) {
			t.Errorf("no script has: ssh %s -o json", verb)
		}
	}
}
