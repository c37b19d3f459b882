package command

import (
	"encoding"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// schemaOf makes the schema of what a verb prints.
func schemaOf(t *testing.T, words string, prints []printing) map[string]any {
	t.Helper()
	maker := &schemaMaker{t: t, definitions: map[string]any{}, made: map[string]reflect.Type{}, docs: map[string]*packageDocs{}}
	schema := map[string]any{}
	if len(prints) == 1 {
		schema = maker.of(reflect.TypeOf(prints[0].value))
	} else {
		var choices []any
		for _, p := range prints {
			choice := maker.of(reflect.TypeOf(p.value))
			choice["title"] = p.when
			choices = append(choices, choice)
		}
		schema["anyOf"] = choices
	}
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = words + " -o json" // not "ssh HOST", for which sessions write their own address
	if len(maker.definitions) > 0 {
		schema["$defs"] = maker.definitions
	}
	return schema
}

// schemaMaker makes schemas of Go types, as encoding/json writes them. What the source says
// of a type and its fields is their description.
type schemaMaker struct {
	t           *testing.T
	definitions map[string]any          // of structs, by name
	made        map[string]reflect.Type // the structs of the definitions
	docs        map[string]*packageDocs // by folder
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	timeType      = reflect.TypeFor[time.Time]()
)

// of makes the schema of a type.
func (m *schemaMaker) of(t reflect.Type) map[string]any {
	switch {
	case t.Kind() == reflect.Pointer:
		return m.of(t.Elem())
	case t == timeType:
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Implements(jsonMarshaler), t.Implements(textMarshaler):
		m.t.Errorf("%s writes itself; say in schemaMaker.of how", t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.String:
		schema := map[string]any{"type": "string"}
		if words := m.docsOf(t).words[t.Name()]; len(words) > 0 {
			schema["examples"] = words
		}
		return schema
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string", "contentEncoding": "base64"}
		}
		return map[string]any{"type": "array", "items": m.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": m.of(t.Elem())}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Struct:
		return m.object(t)
	}
	m.t.Errorf("%s cannot be JSON", t)
	return nil
}

// object makes the schema of a struct: a definition, which others refer to.
func (m *schemaMaker) object(t reflect.Type) map[string]any {
	name := strings.ToLower(t.Name()[:1]) + t.Name()[1:]
	if other := m.made[name]; other != nil && other != t {
		name = path.Base(t.PkgPath()) + t.Name()
	}
	ref := map[string]any{"$ref": "#/$defs/" + name}
	if m.made[name] != nil {
		return ref
	}
	m.made[name] = t
	schema := map[string]any{"type": "object"}
	properties, required := map[string]any{}, []string{}
	m.fields(t, properties, &required)
	schema["properties"] = properties
	if len(required) > 0 {
		slices.Sort(required)
		schema["required"] = required
	}
	m.definitions[name] = schema
	return ref
}

// fields adds the fields of a struct, and of those embedded in it.
func (m *schemaMaker) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported() && !field.Anonymous:
			continue
		case field.Anonymous && name == "":
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded, required = embedded.Elem(), &[]string{}
			}
			m.fields(embedded, properties, required)
			continue
		case name == "":
			m.t.Errorf("%s.%s has no name in JSON", t, field.Name)
			continue
		}
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		property := m.of(field.Type)
		if field.Type.Kind() == reflect.Pointer && !optional {
			property = map[string]any{"anyOf": []any{property, map[string]any{"type": "null"}}}
		}
		if text := m.docsOf(t).fields[t.Name()+"."+field.Name]; text != "" {
			property["description"] = text
		}
		properties[name] = property
		if !optional {
			*required = append(*required, name)
		}
	}
}

// packageDocs is what the source of a package says.
type packageDocs struct {
	fields map[string]string   // TYPE.FIELD: its comment
	words  map[string][]string // TYPE: its constants
}

const modulePath = "github.com/pushboat/pushboat/"

// docsOf reads the package of a type, if it is one of ours.
func (m *schemaMaker) docsOf(t reflect.Type) *packageDocs {
	folder, ours := strings.CutPrefix(t.PkgPath(), modulePath)
	if found := m.docs[folder]; found != nil {
		return found
	}
	docs := &packageDocs{fields: map[string]string{}, words: map[string][]string{}}
	m.docs[folder] = docs
	if !ours {
		return docs
	}
	files, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
	if err != nil || len(files) == 0 {
		m.t.Fatalf("%s: no source: %v", folder, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			m.t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			if found, ok := declaration.(*ast.GenDecl); ok {
				docs.read(found)
			}
		}
	}
	return docs
}

// read notes the comments of fields, and the constants of types.
func (d *packageDocs) read(declaration *ast.GenDecl) {
	for _, spec := range declaration.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if fields, ok := spec.Type.(*ast.StructType); ok {
				d.readFields(spec.Name.Name, fields)
			}
		case *ast.ValueSpec:
			kind, ok := spec.Type.(*ast.Ident)
			if !ok || declaration.Tok != token.CONST {
				continue
			}
			for _, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					word, _ := strconv.Unquote(literal.Value) // the parser has accepted it
					d.words[kind.Name] = append(d.words[kind.Name], word)
				}
			}
		}
	}
}

func (d *packageDocs) readFields(owner string, fields *ast.StructType) {
	for _, field := range fields.Fields.List {
		text := strings.TrimSpace(field.Doc.Text() + " " + field.Comment.Text())
		for _, name := range field.Names {
			d.fields[owner+"."+name.Name] = forReaders.Replace(inCode.ReplaceAllString(strings.Join(strings.Fields(text), " "), ""))
		}
	}
}

// Comments are for readers of Go, and descriptions for readers of JSON.
var (
	forReaders = strings.NewReplacer("nil: ", "left out: ", "nil if ", "left out if ", "zero: ", "left out: ", "zero if ", "left out if ",
		"manifest.ID key", "GROUP/KIND/NAMESPACE/NAME key")
	inCode = regexp.MustCompile(`, see [a-z]\S*[A-Z]\S*|, see \w+\.\w+|, up to max[A-Z]\w*`)
)
