package manifest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// veiled stands in a file's line where its value is not shown.
const veiled = "(hidden)"

// Veil returns the lines of a file as they may be shown to whoever may not see secrets: of
// a file that holds a Secret, or values that are encrypted or are to become a Secret, the
// keys alone; of any other, all but values whose key names a secret. whole says that only
// the keys are shown. The lines are as they were written otherwise: any bytes, to be
// cleaned. There is one for each line of the file, as editors and Git count them.
//
// It errs on the safe side. What it takes for no secret can still be one: nobody can know
// that of every ConfigMap.
func Veil(data []byte) (lines []string, whole bool) {
	lines = splitLines(data)
	docs, sound := rootsOf(data)
	if !holdsSecrets(data, docs, sound) {
		for i, line := range lines {
			lines[i] = veilNamed(line)
		}
		veilBlocks(lines, docs)
		return lines, false
	}
	return VeilAll(data), true
}

// VeilAll is Veil for a file of which only the keys are to be shown, whatever is in it.
func VeilAll(data []byte) []string {
	shown := splitLines(data)
	keys := map[int]string{}
	if docs, sound := rootsOf(data); sound {
		for _, doc := range docs {
			veilMapping(doc.root, doc.offset, 0, shown, keys)
		}
	}
	for i, line := range shown {
		switch key, known := keys[i]; {
		case known:
			shown[i] = key
		case strings.TrimSpace(line) == "" || isMarker([]byte(line), "---"):
			shown[i] = strings.TrimRight(line[:min(len(line), 3)], " \t\r")
		default:
			shown[i] = line[:len(line)-len(strings.TrimLeft(line, " "))] + veiled
		}
	}
	return shown
}

// splitLines are the lines of a file without their ends. A carriage return before the end
// belongs to it.
func splitLines(data []byte) []string {
	text := strings.TrimSuffix(string(data), "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

// rooted is the root of a document, the number of lines before the document, and that of its
// own.
type rooted struct {
	root   *yaml.Node
	offset int
	lines  int
}

// rootsOf reads the documents of a YAML or JSON file. sound says that all of it could be
// read, and that its lines are counted as Veil does.
func rootsOf(data []byte) (docs []rooted, sound bool) {
	if !utf8.Valid(data) || loneReturn(data) || len(data) > MaxFileBytes {
		return nil, false
	}
	sound = true
	for _, doc := range splitYAML(data) {
		root, err := decodeYAML(doc.text)
		if err != nil {
			sound = false
			continue
		}
		if root != nil {
			docs = append(docs, rooted{root, doc.line - 1, len(splitLines(doc.text))})
		}
	}
	return docs, sound
}

// loneReturn reports whether a carriage return stands alone, which is the end of a line to
// YAML and to nobody else.
func loneReturn(data []byte) bool {
	return bytes.IndexByte(bytes.ReplaceAll(data, []byte("\r\n"), nil), '\r') >= 0
}

var (
	// secretMarks are in files with encrypted values, in what makes Secrets, and in keys.
	secretMarks = regexp.MustCompile(`\bENC\[|\bsops|secretGenerator|stringData|PRIVATE KEY-----`)
	// secretWords are in what may be a Secret, where nothing can be read but words.
	secretWords = regexp.MustCompile(`\bkind\b\W{0,40}\w*Secret|\\[uUx][0-9a-fA-F]{2}`)
	// secretNames end the keys whose values are secrets.
	secretNames = `(?i:pass(?:word|wd|phrase)?|secret|token|credentials?|(?:api|access|private|signing|encryption)[-_.]?key|key[-_]data)`
	namedValue  = regexp.MustCompile(`^(\s*(?:- +)*["']?[\w.\-/]*` + secretNames + `["']?\s*[:=]\s*)([^\s{\[|>&*#].*)$`)
	namedInside = regexp.MustCompile(`([{\[,]\s*["']?[\w.\-/]*` + secretNames + `["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,{}\[\]"'|>&*#][^,}\]]*)`)
	namedKey    = regexp.MustCompile(secretNames + `$`)
)

// holdsSecrets reports whether a file has a Secret, or values that are encrypted or become
// one.
func holdsSecrets(data []byte, docs []rooted, sound bool) bool {
	return secretMarks.Match(data) || !sound && secretWords.Match(data) ||
		slices.ContainsFunc(docs, func(doc rooted) bool { return namesSecret(doc.root, 0) })
}

// namesSecret reports whether a kind that is written in a document, at any place, is that of
// a Secret or of something like it.
func namesSecret(node *yaml.Node, depth int) bool {
	if depth > MaxDepth {
		return true // that is no manifest
	}
	for i, inner := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && inner.Value == "kind" && i+1 < len(node.Content) {
			value := node.Content[i+1]
			if value.Kind == yaml.AliasNode {
				value = value.Alias
			}
			if strings.Contains(strings.ToLower(value.Value), "secret") {
				return true
			}
		}
		if namesSecret(inner, depth+1) {
			return true
		}
	}
	return false
}

// veilNamed hides the value on a line whose key names a secret.
func veilNamed(line string) string {
	if !strings.ContainsAny(line, ":=") {
		return line
	}
	if parts := namedValue.FindStringSubmatch(line); parts != nil && !isPlain(parts[2]) {
		return parts[1] + veiled
	}
	return namedInside.ReplaceAllStringFunc(line, func(found string) string {
		parts := namedInside.FindStringSubmatch(found)
		if isPlain(parts[2]) {
			return found
		}
		return parts[1] + veiled
	})
}

// isPlain reports whether a value says yes or no, and is no secret whatever its key.
func isPlain(value string) bool {
	value, _, _ = strings.Cut(value, " #")
	return slices.Contains([]string{"true", "false", "null", "~"}, strings.TrimSpace(value))
}

// veilBlocks hides values of several lines whose keys name secrets.
func veilBlocks(lines []string, docs []rooted) {
	for _, doc := range docs {
		starts := startsOf(doc.root, nil)
		slices.Sort(starts)
		eachScalar(doc.root, 0, func(key, value *yaml.Node) {
			if !namedKey.MatchString(key.Value) {
				return
			}
			end := doc.lines // the last line of the value
			if next, _ := slices.BinarySearch(starts, value.Line+1); next < len(starts) {
				end = starts[next] - 1
			}
			for n := value.Line + 1; n <= end; n++ {
				if at := n + doc.offset - 1; at < len(lines) && strings.TrimSpace(lines[at]) != "" && !isMarker([]byte(lines[at]), "---") {
					lines[at] = lines[at][:len(lines[at])-len(strings.TrimLeft(lines[at], " "))] + veiled
				}
			}
		})
	}
}

// startsOf are the lines on which values of a document begin.
func startsOf(node *yaml.Node, starts []int) []int {
	starts = append(starts, node.Line)
	for _, inner := range node.Content {
		starts = startsOf(inner, starts)
	}
	return starts
}

// eachScalar calls do for each key of a document with its value, if that is a scalar.
func eachScalar(node *yaml.Node, depth int, do func(key, value *yaml.Node)) {
	if depth > MaxDepth {
		return
	}
	for i, inner := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && inner.Kind == yaml.ScalarNode {
			do(node.Content[i-1], inner)
		}
		eachScalar(inner, depth+1, do)
	}
}

// openKeys are the keys of a document, and of its metadata, whose values name the object.
var openKeys = [][]string{{"apiVersion", "kind", "type", "metadata"}, {"name", "namespace"}}

// veilMapping notes how the lines are shown on which keys of a mapping begin, where they are
// the first on their line. depth is 0 for the root of a document, 1 for its metadata, and
// more for anything else.
func veilMapping(node *yaml.Node, offset, depth int, lines []string, keys map[int]string) {
	for i, inner := range node.Content {
		below := 2
		if node.Kind == yaml.MappingNode && i%2 == 0 && i+1 < len(node.Content) {
			if at := inner.Line + offset - 1; 0 <= at && at < len(lines) && keys[at] == "" {
				if shown := veiledKey(inner, node.Content[i+1], depth, lines[at]); shown != "" {
					keys[at] = shown
				}
			}
		} else if node.Kind == yaml.MappingNode && depth == 0 && node.Content[i-1].Value == "metadata" {
			below = 1
		}
		veilMapping(inner, offset, below, lines, keys)
	}
}

// veiledKey is how the line of a key is shown, with the value if that names the object; "" if
// the key does not begin there: in a flow mapping, or behind another key.
func veiledKey(key, value *yaml.Node, depth int, line string) string {
	if key.Kind != yaml.ScalarNode || key.Column < 1 || key.Column-1 > len(line) {
		return ""
	}
	before, rest := line[:key.Column-1], line[key.Column-1:]
	if strings.Trim(before, " -?") != "" {
		return ""
	}
	named := depth < len(openKeys) && slices.Contains(openKeys[depth], key.Value) && value.Kind == yaml.ScalarNode && value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch {
	case named && value.Line == key.Line && !strings.Contains(value.Value, "\n") && len(value.Value) <= maxOpenValue:
		return before + key.Value + ": " + value.Value
	case strings.TrimSpace(rest) == key.Value+":":
		return before + key.Value + ":"
	}
	return before + key.Value + ": " + veiled
}

// maxOpenValue bounds the values of a Secret's file that are shown, in bytes: names.
const maxOpenValue = 253
