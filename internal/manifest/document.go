package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is the text of one document and the line of its file on which it
// starts, from 1.
type document struct {
	text []byte
	line int
}

// ReadYAML returns the root of a YAML file that has one document, for readers
// of other files than manifests. The root is nil if the file is empty or has
// problems.
func ReadYAML(file string, data []byte) (*yaml.Node, Problems) {
	p := parser{file: file}
	if !utf8.Valid(data) {
		p.add(invalidLine(data), Problem{Message: "not UTF-8 text", Hint: "save the file as UTF-8"})
		return nil, p.finish()
	}
	data = newlines(data)
	var roots []*yaml.Node
	for _, doc := range splitYAML(data) {
		root, problem := doc.decode()
		if problem != nil {
			p.add(problem.Source.Line, *problem)
			continue
		}
		if root == nil || isNull(root) {
			continue
		}
		if roots = append(roots, root); len(roots) == 2 {
			p.add(doc.line, Problem{Message: "there is a second document", Hint: "keep all in one document"})
		}
	}
	if len(p.problems) > 0 || len(roots) == 0 {
		return nil, p.finish()
	}
	whole, problem := document{data, 1}.decode() // again, for lines of the file
	if problem != nil || whole == nil || isNull(whole) {
		p.add(1, Problem{Message: "there are empty documents before the one that counts", Hint: "keep all in one document"})
		return nil, p.finish()
	}
	return whole, nil
}

// splitYAML cuts a YAML stream at its document markers ("---" at the start of
// a line, and after "..."), so that a syntax error in one document does not
// hide the others. Directives stay with the document that follows them.
func splitYAML(data []byte) []document {
	var docs []document
	start, startLine, directives := 0, 1, false
	cut := func(end, line int) {
		if end > start {
			docs = append(docs, document{data[start:end], startLine})
		}
		start, startLine, directives = end, line, false
	}
	for pos, line := 0, 1; pos < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		text := data[pos:end]
		switch {
		case isMarker(text, "---") && !directives:
			cut(pos, line)
		case isMarker(text, "---"):
			directives = false
		case isMarker(text, "..."):
			cut(end, line+1)
		case text[0] == '%' && isBlank(data[start:pos]):
			directives = true
		}
		pos = end
	}
	cut(len(data), 0)
	return docs
}

// isMarker reports whether a line is a document marker: the three characters,
// then white space or the end.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// isBlank reports whether text has nothing but white space, comments and
// directives.
func isBlank(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// splitJSON cuts a stream of JSON values, one after the other with or without white
// space between, and rewrites the parts that YAML reads differently. It returns the
// error of the first value that is not JSON.
func splitJSON(data []byte) ([]document, error) {
	var docs []document
	dec := json.NewDecoder(bytes.NewReader(data))
	line, counted := 1, 0
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		start := int(dec.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:start], []byte("\n"))
		counted = start
		docs = append(docs, document{jsonAsYAML(raw), line})
	}
}

// jsonAsYAML makes of valid JSON the same value in YAML, on the same lines.
// JSON allows tabs between values, and in strings \/, pairs of surrogates, and
// characters that YAML reads as line breaks or refuses.
func jsonAsYAML(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/16)
	for i := 0; i < len(raw); {
		if raw[i] == '\\' {
			escape, width := jsonEscape(raw[i:])
			out = append(out, escape...)
			i += width
			continue
		}
		r, width := utf8.DecodeRune(raw[i:])
		switch {
		case r == '\t':
			out = append(out, ' ')
		case r >= 0x7f && !unicode.IsGraphic(r) || r == '\ufeff':
			out = fmt.Appendf(out, `\U%08X`, r)
		default:
			out = append(out, raw[i:i+width]...)
		}
		i += width
	}
	return out
}

// jsonEscape rewrites the escape at the start of text, and returns its width
// in JSON.
func jsonEscape(text []byte) (escape []byte, width int) {
	if text[1] == '/' {
		return []byte("/"), 2
	}
	if high, low, ok := surrogates(text); ok {
		return fmt.Appendf(nil, `\U%08X`, 0x10000+(high-0xd800)<<10+(low-0xdc00)), 12
	}
	return text[:2], 2
}

// surrogates reads `\uD83D\uDE00` at the start of text.
func surrogates(text []byte) (high, low uint64, ok bool) {
	if len(text) < 12 || text[1] != 'u' || text[6] != '\\' || text[7] != 'u' {
		return 0, 0, false
	}
	high, err1 := strconv.ParseUint(string(text[2:6]), 16, 32)
	low, err2 := strconv.ParseUint(string(text[8:12]), 16, 32)
	ok = err1 == nil && err2 == nil && high>>10 == 0xd800>>10 && low>>10 == 0xdc00>>10
	return high, low, ok
}

// decode reads the YAML of one document; the node is nil if it is empty.
func (d document) decode() (*yaml.Node, *Problem) {
	root, err := decodeYAML(d.text)
	if err != nil {
		return nil, d.syntaxProblem(err)
	}
	return root, nil
}

// errTwo reports a second document that splitYAML did not find: behind one of the
// characters (NEL, LS, PS) that only YAML 1.1 takes for the end of a line, or behind %.
var errTwo = errors.New("there is a second document; put --- on a line of its own before it")

var errPanic = errors.New("this cannot be read; remove comments in unusual places, such as inside { } or [ ]")

// decodeYAML returns the root of the first document of a YAML text, or nil if
// there is none.
func decodeYAML(text []byte) (root *yaml.Node, err error) {
	defer func() {
		// The library panics on events that it believes impossible.
		if recover() != nil {
			root, err = nil, errPanic
		}
	}()
	var node, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	err = dec.Decode(&node)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil || len(node.Content) != 1 {
		return nil, err
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errTwo
	}
	return node.Content[0], nil
}

// newlines makes each carriage return that stands alone a newline, which it is
// to YAML, so that lines are counted and documents are found as YAML does.
func newlines(data []byte) []byte {
	if bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

var (
	yamlErrorLine     = regexp.MustCompile(`^line (\d+): `)
	yamlUnknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxHints has a hint for each part of a message of the YAML parser.
var syntaxHints = []struct{ part, hint string }{
	{"mapping values are not allowed", `check the indentation, and quote a value that contains ": "`},
	{"did not find expected key", "check the indentation of this line and of the one before"},
	{"did not find expected '-' indicator", "check the indentation of this line and of the one before"},
	{"could not find expected ':'", "check the indentation, and close quotes and brackets"},
	{"block sequence entries are not allowed", "start the list on a line of its own"},
	{"found unexpected end of stream", "close the quote or bracket that is open"},
	{"did not find expected ',' or", "close the bracket that is open"},
	{"found character that cannot start any token", "quote the value"},
	{"control characters are not allowed", "remove the character, or write it as an escape in double quotes"},
	{"unknown escape character", `write \\ for a backslash, or use single quotes`},
	{"exceeded max depth", "nest less"},
}

// syntaxProblem translates an error of the YAML parser.
func (d document) syntaxProblem(err error) *Problem {
	message, line := yamlMessage(err)
	if len(d.text) <= maxExactLine {
		line = d.errorLine(message)
	}
	p := &Problem{Source: Source{Line: d.line + line - 1}, Message: "not valid YAML: " + message}
	text := d.lineText(line)
	indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
	switch m := yamlUnknownAnchor.FindStringSubmatch(message); {
	case bytes.ContainsRune(indent, '\t'):
		p.Hint = "indent with spaces, not with tabs"
	case bytes.Contains(text, []byte("{{")):
		p.Hint = templateHint
	case m != nil:
		p.Hint = fmt.Sprintf("write &%s before the value that is meant, in the same document", m[1])
	default:
		p.Hint = syntaxHint(message)
	}
	return p
}

const templateHint = "templates are not filled in: commit the rendered manifests, or name the file in .pushboatignore"

func syntaxHint(message string) string {
	for _, h := range syntaxHints {
		if strings.Contains(message, h.part) {
			return h.hint
		}
	}
	return ""
}

// yamlMessage splits an error of the YAML library into its message and its
// line, which is 1 where it names none.
func yamlMessage(err error) (message string, line int) {
	message, line = strings.TrimPrefix(err.Error(), "yaml: "), 1
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	return message, line
}

// maxExactLine is the size in bytes of the largest document in which the line
// of a syntax error is searched for; it costs about 16 more attempts to parse.
const maxExactLine = 64 << 10

// errorLine returns the line on which a syntax error is, which the YAML
// library does not tell: it names the start of the block around it, or is off
// by one. A parser stops at the first error, so the line is the last one of the
// shortest part of the document that has the same error.
func (d document) errorLine(message string) int {
	var ends []int
	for i, c := range d.text {
		if c == '\n' || i == len(d.text)-1 {
			ends = append(ends, i+1)
		}
	}
	return 1 + sort.Search(len(ends)-1, func(i int) bool {
		_, err := decodeYAML(d.text[:ends[i]])
		if err == nil {
			return false
		}
		found, _ := yamlMessage(err)
		return found == message
	})
}

// lineText returns a line of the document, counted from 1.
func (d document) lineText(n int) []byte {
	for line := range bytes.Lines(d.text) {
		if n--; n == 0 {
			return line
		}
	}
	return nil
}
