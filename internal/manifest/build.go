package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// maxListDepth bounds lists within lists; nobody writes more than one.
const maxListDepth = 4

// values turns one document's value into objects: itself, or if it is a list,
// its items.
func (p *parser) values(value any, at lines, depth int) {
	if p.documents++; p.documents > MaxDocuments {
		p.stop(at.line, fmt.Sprintf("more than %d objects in one file", MaxDocuments), "split the file")
		return
	}
	fields, ok := value.(map[string]any)
	if !ok {
		p.add(at.line, Problem{
			Message: fmt.Sprintf("the document is %s, not an object", typeName(value)),
			Hint:    p.ignoreHint(),
		})
		return
	}
	_, hasVersion := fields["apiVersion"]
	_, hasKind := fields["kind"]
	if !hasVersion && !hasKind {
		p.foreign = append(p.foreign, Source{File: p.file, Line: at.line})
		return
	}
	if items, ok := listItems(fields); ok {
		p.list(fields, items, at, depth)
		return
	}
	p.object(fields, at)
}

// listItems returns the items of a list: a kind that ends in List, with items
// and without a name of its own.
func listItems(fields map[string]any) ([]any, bool) {
	kind, _ := fields["kind"].(string)
	items, ok := fields["items"].([]any)
	if fields["items"] == nil && kind == "List" {
		ok = true
	}
	if metadata, _ := fields["metadata"].(map[string]any); metadata["name"] != nil {
		ok = false
	}
	return items, ok && strings.HasSuffix(kind, "List")
}

// list takes a list apart. The items of a typed list may leave out apiVersion
// and kind, as they do in answers of the API server.
func (p *parser) list(fields map[string]any, items []any, at lines, depth int) {
	if depth >= maxListDepth {
		p.stop(at.line, "lists within lists within lists", "write the objects as documents")
		return
	}
	for _, key := range sortedKeys(fields) {
		if known := []string{"apiVersion", "kind", "metadata", "items"}; !slices.Contains(known, key) {
			p.add(at.key(key).line, Problem{
				Message: fmt.Sprintf("unknown field %s in a list", show(key)),
				Hint:    didYouMean(key, known),
			})
		}
	}
	kind, _ := fields["kind"].(string)
	itemKind := strings.TrimSuffix(kind, "List")
	for i, item := range items {
		if p.stopped {
			return
		}
		place := *at.key("items").part(i)
		if object, ok := item.(map[string]any); ok && itemKind != "" && object["kind"] == nil && object["apiVersion"] == nil {
			object["kind"], object["apiVersion"] = itemKind, fields["apiVersion"]
		}
		p.values(item, place, depth+1)
	}
}

// object checks the fields that every object has, and keeps the object if they are
// right.
func (p *parser) object(fields map[string]any, at lines) {
	o := &Object{
		Unstructured: &unstructured.Unstructured{Object: fields},
		Source:       Source{File: p.file, Line: at.line},
		lines:        at,
	}
	problems := checkObject(o)
	if len(problems) > 0 {
		p.problems = append(p.problems, problems...)
		return
	}
	dropServerFields(fields)
	dropNulls(fields)
	p.objects = append(p.objects, o)
}

// checkObject checks type and metadata as far as everything after this relies
// on them: the cluster checks the rest, but its messages about metadata of the
// wrong type are hard to read, and client code drops such fields in silence.
func checkObject(o *Object) Problems {
	c := &checker{object: o}
	c.typeMeta()
	metadata, ok := o.Object["metadata"].(map[string]any)
	if !ok {
		message := "metadata.name is missing"
		if value, written := o.Object["metadata"]; written && value != nil {
			message = fmt.Sprintf("metadata is %s, not a mapping", typeName(value))
		}
		c.add("metadata", message, "give the object a name under metadata")
		return c.problems
	}
	c.name(metadata)
	if value, written := metadata["namespace"]; written && value != nil {
		c.text("metadata.namespace", value)
	}
	for _, field := range []string{"labels", "annotations"} {
		c.stringMap("metadata."+field, metadata[field])
	}
	return c.problems
}

// checker collects the problems of one object.
type checker struct {
	object   *Object
	problems Problems
}

func (c *checker) add(path, message, hint string) {
	name := c.object.ID().String()
	if c.object.GetKind() == "" || c.object.GetName() == "" {
		name = ""
	}
	c.problems = append(c.problems, Problem{Source: c.object.At(path), Object: name, Message: message, Hint: hint})
}

func (c *checker) typeMeta() {
	version, ok := c.object.Object["apiVersion"].(string)
	switch {
	case !ok || version == "":
		c.missing("apiVersion", "for example apiVersion: v1 or apps/v1")
	default:
		if gv, err := schema.ParseGroupVersion(version); err != nil || gv.Version == "" {
			c.add("apiVersion", fmt.Sprintf("apiVersion %s is not a version, or group/version", show(version)), "for example v1 or apps/v1")
		}
	}
	if kind, ok := c.object.Object["kind"].(string); !ok || kind == "" {
		c.missing("kind", "for example kind: Deployment")
	}
}

// missing reports a field that must be a text and is absent, empty or
// something else.
func (c *checker) missing(field, hint string) {
	value, written := c.object.Object[field]
	if _, isText := value.(string); written && value != nil && !isText {
		c.text(field, value)
		return
	}
	c.add(field, field+" is missing", hint)
}

func (c *checker) name(metadata map[string]any) {
	name, written := metadata["name"]
	policy, _ := PolicyOf(c.object.Unstructured)
	switch {
	case (!written || name == nil || name == "") && metadata["generateName"] != nil && policy.Phase != 0:
		c.text("metadata.generateName", metadata["generateName"])
	case (!written || name == nil || name == "") && metadata["generateName"] != nil:
		c.add("metadata.generateName", "metadata.generateName makes a new object at each deploy", "give the object a fixed metadata.name; only hooks may do without")
	case !written || name == nil || name == "":
		c.add("metadata", "metadata.name is missing", "give the object a name under metadata")
	default:
		c.text("metadata.name", name)
	}
}

// text reports a value that is not text.
func (c *checker) text(path string, value any) {
	if _, ok := value.(string); !ok {
		c.add(path, fmt.Sprintf("%s is %s, not text", path, typeName(value)), quoteHint(value))
	}
}

// stringMap reports a value that is not a mapping of text to text.
func (c *checker) stringMap(path string, value any) {
	if value == nil {
		return
	}
	fields, ok := value.(map[string]any)
	if !ok {
		c.add(path, fmt.Sprintf("%s is %s, not a mapping", path, typeName(value)), "")
		return
	}
	for _, key := range sortedKeys(fields) {
		if fields[key] != nil {
			c.text(path+"["+key+"]", fields[key])
		}
	}
}

// quoteHint says how to make text of a value.
func quoteHint(value any) string {
	switch value.(type) {
	case map[string]any, []any:
		return "write text here"
	}
	return "put quotes around it"
}

// addForeign reports the documents that are no Kubernetes objects: once, if
// the whole file is something else.
func (p *parser) addForeign() {
	if len(p.objects) == 0 && len(p.problems) == 0 && len(p.foreign) > 1 {
		p.foreign = p.foreign[:1]
	}
	for _, source := range p.foreign {
		p.add(source.Line, Problem{
			Message: "not a Kubernetes object: it has neither apiVersion nor kind",
			Hint:    p.ignoreHint(),
		})
	}
}

// ignoreHint says how to keep the file from being read.
func (p *parser) ignoreHint() string {
	return fmt.Sprintf("if the file is not meant for the cluster, add the line %s to .pushboatignore", path.Base(p.file))
}
