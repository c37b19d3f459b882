package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
)

// printing is what a verb prints with -o json.
type printing struct {
	when  string // in which case; "" where there is only one
	value any    // a zero value of the type
}

// printed are the types of all that verbs print with -o json. The schemas are made of them.
var printed = map[string][]printing{
	"help":           {{"", []helpRow{}}},
	"whoami":         {{"", identity{}}},
	"token create":   {{"", madeToken{}}},
	"token list":     {{"", []listedToken{}}},
	"web":            {{"", WebLink{}}},
	"web sessions":   {{"", []WebSession{}}},
	"status":         {{"the apps, or the one that is named", []deploy.Status{}}, {"with --watch, each line", deploy.Status{}}, {"with --server", serverState{}}},
	"tree":           {{"", appTree{}}},
	"drift":          {{"", []appDrift{}}},
	"orphans":        {{"", deploy.Orphans{}}},
	"locks":          {{"", []deploy.Lock{}}},
	"apps":           {{"", []deploy.Status{}}},
	"plan":           {{"", report.Outline{}}},
	"check":          {{"", []deploy.Finding{}}},
	"diff":           {{"", difference{}}},
	"why":            {{"", answer{}}},
	"test":           {{"", []record.HookResult{}}},
	"history":        {{"", []record.Record{}}},
	"events":         {{"the events so far", []event.Event{}}, {"with --follow, each line", event.Event{}}},
	"show":           {{"", record.Record{}}},
	"refused":        {{"the refused pushes", []refusal.Brief{}}, {"with ID", refusal.Refusal{}}},
	"secrets list":   {{"", []deploy.KeptValue{}}},
	"access explain": {{"", explainedAccess{}}},
	"keys list":      {{"", []keyRow{}}},
	"keys add":       {{"", revisedKey{}}},
	"keys expire":    {{"", revisedKey{}}},
	"wait":           {{"", waitResult{}}},
	"set-image":      {{"", amendResult{}}},
	"set":            {{"", amendResult{}}},
	"repo mirror":    {{"", revisedMirror{}}},
	"repo alias":     {{"the aliases in force", []aliasRow{}}, {"of a change", revisedAlias{}}},
	"cluster list":   {{"", []fleet.State{}}},
	"cluster info":   {{"", fleet.State{}}},
	"cluster test":   {{"", fleet.Test{}}},
	"audit":          {{"", []audit.Event{}}},
	"audit verify":   {{"", audit.Verdict{}}},
	"doctor":         {{"", examination{}}},
	"notify list":    {{"", receivers{}}},
	"notify test":    {{"", notify.Tried{}}},
	"repo list":      {{"", []repoRow{}}},
	"repo info":      {{"", repoRow{}}},
	"repo files":     {{"", repoFilesAnswer{}}},
}

// TestJSONHasASchema holds the schemas to the verbs that print JSON, and to the types that
// they print. With -update it writes them, but takes nothing back that they promise: go
// test ./internal/command -run TestJSONHasASchema -update
func TestJSONHasASchema(t *testing.T) {
	var verbsWith []string
	for _, v := range verbs() {
		if !v.hasOutput() {
			continue
		}
		verbsWith = append(verbsWith, v.words)
		if printed[v.words] == nil {
			t.Errorf("%s has -o json, and printed does not say of which type", v.words)
			continue
		}
		made, err := json.MarshalIndent(schemaOf(t, v.words, printed[v.words]), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		holdSchema(t, v.words, append(made, '\n'))
	}
	for words := range printed {
		if !slices.Contains(verbsWith, words) {
			t.Errorf("%s is in printed, and has no -o json", words)
		}
	}
	files, err := os.ReadDir("schemas")
	if err != nil || len(files) != len(verbsWith) {
		t.Errorf("%d schemas, %d verbs with -o json: %v", len(files), len(verbsWith), err)
	}
}

// holdSchema compares a schema with the file of a verb.
func holdSchema(t *testing.T, words string, made []byte) {
	t.Helper()
	file := filepath.Join("schemas", schemaFile(words))
	before, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Error(err)
		return
	}
	if string(before) == string(made) {
		return
	}
	if broken := brokenPromises(t, before, made); len(broken) > 0 {
		t.Errorf("%s: output may only grow, for programs read it; this would be taken back:\n\t%s", words, strings.Join(broken, "\n\t"))
		return
	}
	if !*update {
		t.Errorf("%s: its schema differs from what it prints; run: go test ./internal/command -run TestJSONHasASchema -update", words)
		return
	}
	if err := os.WriteFile(file, made, 0o644); err != nil {
		t.Fatal(err)
	}
}

// brokenPromises lists what a schema promised, and another one does not: keys, those that
// are always there, and their types.
func brokenPromises(t *testing.T, before, after []byte) []string {
	t.Helper()
	if len(before) == 0 {
		return nil
	}
	had, has := promises(t, before), promises(t, after)
	var broken []string
	for _, promise := range had {
		if !slices.Contains(has, promise) {
			broken = append(broken, promise)
		}
	}
	return broken
}

// annotations are the keywords of a schema that promise nothing.
var annotations = []string{"$schema", "$ref", "title", "description", "examples"}

// promises lists what a schema says of output, as "PLACE: KEYWORD VALUE".
func promises(t *testing.T, text []byte) []string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	definitions, _ := schema["$defs"].(map[string]any)
	delete(schema, "$defs")
	var found []string
	var walk func(place string, node any, within []string)
	walk = func(place string, node any, within []string) {
		switch node := node.(type) {
		case map[string]any:
			if ref, ok := node["$ref"].(string); ok && !slices.Contains(within, ref) {
				walk(place, definitions[strings.TrimPrefix(ref, "#/$defs/")], append(slices.Clone(within), ref))
			}
			for key, value := range node {
				if _, isNode := value.(map[string]any); isNode || !slices.Contains(annotations, key) {
					walk(place+"/"+key, value, within)
				}
			}
		case []any: // of required, type, anyOf
			for _, value := range node {
				walk(place, value, within)
			}
		default:
			value, _ := json.Marshal(node)
			found = append(found, place+": "+string(value))
		}
	}
	walk("", schema, nil)
	slices.Sort(found)
	return found
}

// TestPromisesAreKept: a schema may promise more than before, and not less.
func TestPromisesAreKept(t *testing.T) {
	const before = `{"title": "a", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}`
	for after, broken := range map[string]int{
		before: 0,
		`{"title": "b", "properties": {"a": {"type": "string", "description": "d"}, "b": {"type": "integer"}, "c": {"type": "array"}}, "required": ["a", "c"]}`: 0,
		`{"properties": {"a": {"type": "string"}}, "required": ["a"]}`:                                                                                          1,
		`{"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}`:                                                                 1,
		`{"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}`:                                                                                   1,
		`{"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]}`:                                                                1,
		`{"properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/n"}}, "required": ["a"], "$defs": {"n": {"type": "integer"}}}`:                         0,
		`{"properties": {"a": {"type": "string"}, "b": {"$ref": "#/$defs/n"}}, "required": ["a"], "$defs": {"n": {"type": "number"}}}`:                          1,
	} {
		if found := brokenPromises(t, []byte(before), []byte(after)); len(found) != broken {
			t.Errorf("%s breaks %q, want %d", after, found, broken)
		}
	}
	if found := brokenPromises(t, nil, []byte(before)); found != nil {
		t.Errorf("a new schema breaks %q", found)
	}
}
