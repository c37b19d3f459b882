package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Parse reads the objects of one file: YAML, with any number of documents, or
// JSON, with any number of values. Lists (v1 List, and XxxList with items) are
// replaced by their items. Scalars mean what they mean to kubectl.
//
// It reports all problems, not the first, each with its line; the objects that
// are sound are returned beside them. What the cluster writes into objects
// (status, resourceVersion and the like, see serverFields) is left out without
// a word, since every export of a live object has it.
func Parse(file string, data []byte) ([]*Object, Problems) { return ParseMarked(file, data, nil) }

// ParseMarked is Parse for callers that need to know which texts were written without
// quotes: mark replaces each of these. It does not replace keys. A nil mark changes
// nothing.
func ParseMarked(file string, data []byte, mark func(string) string) ([]*Object, Problems) {
	p := &parser{file: file, mark: mark}
	p.parse(data)
	return p.objects, p.finish()
}

// ParseOutput is ParseMarked for what a template of a chart prints: of a key that a mapping has
// twice, the last counts, as for Helm. Who uses a chart cannot change its templates.
func ParseOutput(file string, data []byte, mark func(string) string) ([]*Object, Problems) {
	p := &parser{file: file, mark: mark, lastWins: true}
	p.parse(data)
	return p.objects, p.finish()
}

// parser has the state of reading one file.
type parser struct {
	file     string
	mark     func(string) string // see ParseMarked
	lastWins bool                // see ParseOutput
	objects  []*Object
	problems Problems

	documents  int // documents and list items
	nodes      int // values so far
	aliasNodes int // of them, values that an alias repeats
	stopped    bool
	limit      Problems // why it stopped

	foreign []Source // documents that are no Kubernetes objects
}

// add notes a problem; the caller gives its line.
func (p *parser) add(line int, problem Problem) {
	problem.Source = Source{File: p.file, Line: line}
	p.problems = append(p.problems, problem)
}

// stop notes a problem after which nothing more of the file is read.
func (p *parser) stop(line int, message, hint string) {
	if !p.stopped {
		p.stopped = true
		p.limit = Problems{{Source: Source{File: p.file, Line: line}, Message: message, Hint: hint}}
	}
}

// lfsPointer begins the file that Git has in place of one that is kept elsewhere
// (git-lfs, docs/spec.md).
const lfsPointer = "version https://git-lfs.github.com/spec/"

func (p *parser) parse(data []byte) {
	if len(data) > MaxFileBytes {
		p.stop(0, fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), MaxFileBytes), "split the file")
		return
	}
	if bytes.HasPrefix(data, []byte(lfsPointer)) {
		p.stop(1, "the file is kept by Git LFS; Git has a pointer to it only", "keep manifests in Git: git lfs migrate export --include="+p.file)
		return
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		p.stop(invalidLine(data), "not UTF-8 text", "save the file as UTF-8")
		return
	}
	docs, ok := p.split(data)
	if !ok {
		return
	}
	for _, doc := range docs {
		if p.stopped {
			return
		}
		p.document(doc)
	}
}

// invalidLine returns the line of the first byte that is not UTF-8.
func invalidLine(data []byte) int {
	line := 1
	for text := range bytes.Lines(data) {
		if !utf8.Valid(text) {
			break
		}
		line++
	}
	return line
}

// split cuts the file into documents. A file that starts with a brace is JSON
// if it can be, and a .json file must be.
func (p *parser) split(data []byte) (docs []document, ok bool) {
	isJSON := strings.EqualFold(path.Ext(p.file), ".json")
	if !isJSON && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return splitYAML(newlines(data)), true
	}
	docs, err := splitJSON(data)
	if err == nil {
		return docs, true
	}
	if !isJSON {
		return splitYAML(newlines(data)), true
	}
	line := 1 + bytes.Count(data, []byte("\n"))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line = 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
	}
	p.stop(line, fmt.Sprintf("not valid JSON: %v", err), "")
	return nil, false
}

// document reads one document and the objects in it.
func (p *parser) document(doc document) {
	if len(doc.text) > MaxDocumentBytes {
		p.add(doc.line, Problem{
			Message: fmt.Sprintf("the document has %d bytes; at most %d are read", len(doc.text), MaxDocumentBytes),
			Hint:    "split a list into documents with ---",
		})
		return
	}
	root, problem := doc.decode()
	if problem != nil {
		p.add(problem.Source.Line, *problem)
		return
	}
	if root == nil || isNull(root) {
		return
	}
	before := len(p.problems)
	w := walker{parser: p, offset: doc.line - 1}
	value, at := w.value(root, 0)
	if p.stopped || len(p.problems) > before {
		return
	}
	p.values(value, at, 0)
}

func isNull(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	value, err := scalar(n)
	return err == nil && value == nil
}

// finish sorts the problems, tells each once, and cuts off a long list.
func (p *parser) finish() Problems {
	p.addForeign()
	p.problems.Sort()
	kept := p.problems[:0]
	for _, problem := range p.problems {
		if len(kept) == 0 || kept[len(kept)-1] != problem {
			kept = append(kept, problem)
		}
	}
	if more := len(kept) - MaxProblems; more > 0 {
		kept = append(kept[:MaxProblems], Problem{
			Source:  Source{File: p.file},
			Message: Plural(more, "more problem") + " in this file",
		})
	}
	if kept = append(kept, p.limit...); len(kept) == 0 {
		return nil
	}
	return kept
}
