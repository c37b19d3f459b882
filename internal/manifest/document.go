package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the text of one document and the line of its file on which it
// starts, from 1.
type document struct {
	text []byte
	line int
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

// splitJSON cuts a stream of JSON values, one after the other with or without
// white space between, and rewrites what YAML reads differently. It returns
// the error of the first value that is not JSON.
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

// jsonAsYAML makes of valid JSON the same value in YAML, on the same lines:
// tabs become spaces (JSON allows them only between values), and a pair of
// surrogates in a string becomes one escape.
func jsonAsYAML(raw []byte) []byte {
	out := bytes.ReplaceAll(raw, []byte("\t"), []byte(" "))
	for i := 0; i+1 < len(out); i++ {
		if out[i] != '\\' {
			continue
		}
		if high, low, ok := surrogates(out[i:]); ok {
			r := 0x10000 + (high-0xd800)<<10 + (low - 0xdc00)
			copy(out[i:], fmt.Sprintf(`\U%08X"`, r)[:10])
			out = append(out[:i+10], out[i+12:]...)
		}
		i++ // what follows a backslash is no escape of its own
	}
	return out
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
func (d document) decode() (root *yaml.Node, problem *Problem) {
	defer func() {
		// The library panics on events that it believes impossible.
		if r := recover(); r != nil {
			root, problem = nil, &Problem{Source: Source{Line: d.line}, Message: "this YAML cannot be read",
				Hint: "remove comments in unusual places, such as inside { } or [ ]"}
		}
	}()
	var node yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(d.text)).Decode(&node)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, d.syntaxProblem(err)
	}
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		return node.Content[0], nil
	}
	return nil, nil
}

var (
	yamlErrorLine     = regexp.MustCompile(`^line (\d+): `)
	yamlUnknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxHints says what to try, by a part of the YAML parser's message.
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
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	p := &Problem{Message: "not valid YAML: " + message}
	for _, h := range syntaxHints {
		if strings.Contains(message, h.part) {
			p.Hint = h.hint
			break
		}
	}
	if m := yamlUnknownAnchor.FindStringSubmatch(message); m != nil {
		p.Hint = fmt.Sprintf("write &%s before the value that is meant, in the same document", m[1])
		if i := bytes.Index(d.text, []byte("*"+m[1])); i >= 0 {
			line = 1 + bytes.Count(d.text[:i], []byte("\n"))
		}
	}
	switch text := d.lineText(line); {
	case bytes.ContainsRune(text[:len(text)-len(bytes.TrimLeft(text, " \t"))], '\t'):
		p.Hint = "indent with spaces, not with tabs"
	case bytes.Contains(text, []byte("{{")):
		p.Hint = "this looks like a template; templates are not filled in: commit what it renders to, or name the file in .pushboatignore"
	}
	p.Source.Line = d.line + line - 1
	return p
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
