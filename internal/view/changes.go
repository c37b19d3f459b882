package view

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Object is one object that differs between two deploys, or two revisions.
type Object struct {
	Key    string  `json:"key"`    // manifest.ID key
	Action string  `json:"action"` // added, changed or removed
	Fields []Field `json:"fields,omitempty"`
}

// Field is one field that differs; Before and After are shortened.
type Field struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// ObjectsOf reads the objects from files that differ, as package history compares them.
func ObjectsOf(files []git.FileChange) ([]Object, error) {
	objects := []Object{}
	for _, file := range files {
		before, err := parse(file.Before)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Path, err)
		}
		after, err := parse(file.After)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Path, err)
		}
		o := Object{Action: "changed"}
		switch {
		case before == nil:
			o.Action, o.Key = "added", keyOf(after)
		case after == nil:
			o.Action, o.Key = "removed", keyOf(before)
		default:
			o.Key, o.Fields = keyOf(after), fieldsOf(before, after)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// fieldsOf lists the differences between two states of an object. Those of a Secret
// have masks, which are compared.
func fieldsOf(before, after map[string]any) []Field {
	var fields []Field
	for _, change := range manifest.Diff(before, after, manifest.Masker{}) {
		fields = append(fields, Field{Path: change.Path, Before: change.Before, After: change.After})
	}
	return fields
}

// FieldsOf lists the fields of an object with their values, as After, in the form of changes:
// shortened, and those of a Secret masked.
func FieldsOf(object map[string]any) []Field { return fieldsOf(nil, object) }

func keyOf(object map[string]any) string {
	return manifest.IDOf(&unstructured.Unstructured{Object: object}).Key()
}

func parse(text []byte) (map[string]any, error) {
	if text == nil {
		return nil, nil
	}
	var object map[string]any
	return object, yaml.Unmarshal(text, &object)
}
