package plain

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// IgnoreName is the file that excludes files from an app. It has the syntax of
// gitignore(5), may be in any folder from the repository's root down, and applies to
// that folder and everything below.
const IgnoreName = ".pushboatignore"

// Limits on .pushboatignore files.
const (
	// MaxIgnoreBytes bounds one of them.
	MaxIgnoreBytes = 64 << 10
	// MaxPatterns bounds the patterns in all of them, since each is tried on each file.
	MaxPatterns = 1000
	// MaxPatternLength bounds one pattern, in bytes.
	MaxPatternLength = 500
	// maxSteps bounds what all patterns take for all files: for each path that a pattern is tried
	// on, the length of the path times the wildcards of the pattern. A hundred million take some
	// seconds; a hundred patterns such as *.md take as many for 10,000 files.
	maxSteps = 200_000_000
)

// errSlow is the error for patterns that take more than maxSteps.
var errSlow = errors.New("the patterns of files to leave out take too long: there are too many for so many files, or they have too many wildcards")

// Ignore holds the patterns of .pushboatignore files. The last pattern that matches
// decides, and one with ! in front brings a file back. A walk does not enter a folder
// that matches, so, as with Git, nothing inside can be brought back. The zero value
// matches nothing.
type Ignore struct {
	patterns []pattern
	folders  map[string]int // the last pattern that matches a folder, see last; nil: none is known
	steps    int            // see maxSteps
}

// pattern is one line of an ignore file.
type pattern struct {
	folder  string // of the file; "." for the root
	regexp  *regexp.Regexp
	loops   int // of the expression: each is at work at once
	negated bool
	dirOnly bool
}

// Err is an error if the patterns have taken too long: then nothing matched any more.
func (g *Ignore) Err() error {
	if g.steps > maxSteps {
		return errSlow
	}
	return nil
}

// Add reads the ignore file of a folder, after those of the folders above it.
func (g *Ignore) Add(folder, text string) error {
	g.folders = nil
	number := 0
	for line := range strings.Lines(text) {
		number++
		p, ok, err := parsePattern(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if !ok {
			continue
		}
		if len(g.patterns) >= MaxPatterns {
			return fmt.Errorf("line %d: there are more than %d patterns", number, MaxPatterns)
		}
		p.folder = folder
		g.patterns = append(g.patterns, p)
	}
	return nil
}

// Match reports whether a file or folder is ignored. The path is relative to
// the repository's root.
func (g *Ignore) Match(name string, isDir bool) bool {
	at := g.last(name, isDir)
	return at >= 0 && !g.patterns[at].negated
}

// MatchWithin reports whether a file is ignored as Flux's source-controller does it: a pattern
// matches all that is in a folder that it matches, and the last pattern that does decides, so that
// a file can be brought back from a folder that is ignored (fluxcd/pkg/sourceignore).
func (g *Ignore) MatchWithin(name string) bool {
	at := g.last(name, false)
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		of, known := g.folders[folder]
		if !known {
			of = g.last(folder, true)
			if g.folders == nil {
				g.folders = map[string]int{}
			}
			g.folders[folder] = of
		}
		at = max(at, of)
	}
	return at >= 0 && !g.patterns[at].negated
}

// last is the last pattern that matches a file or folder; -1 if none does, or if it takes too long.
func (g *Ignore) last(name string, isDir bool) int {
	for i, p := range slices.Backward(g.patterns) {
		below, ok := p.seen(name, isDir)
		if !ok {
			continue
		}
		if g.steps += p.loops * len(name); g.steps > maxSteps {
			return -1
		}
		if p.regexp.MatchString(below) {
			return i
		}
	}
	return -1
}

// seen is a path as the expression of a pattern matches it; false if the pattern is not about it.
func (p pattern) seen(name string, isDir bool) (string, bool) {
	if p.folder != "." {
		var below bool
		if name, below = strings.CutPrefix(name, p.folder+"/"); !below {
			return "", false
		}
	}
	return strings.ReplaceAll(name, "/", slash), isDir || !p.dirOnly
}

// parsePattern parses one line; ok is false for blank lines and comments.
func parsePattern(line string) (p pattern, ok bool, err error) {
	line = trimLine(line)
	if line == "" || line[0] == '#' {
		return pattern{}, false, nil
	}
	if len(line) > MaxPatternLength {
		return pattern{}, false, fmt.Errorf("the pattern is longer than %d bytes", MaxPatternLength)
	}
	if line[0] == '!' {
		p.negated, line = true, line[1:]
	}
	if rest, found := strings.CutSuffix(line, "/"); found {
		p.dirOnly, line = true, rest
	}
	if line == "" {
		return pattern{}, false, nil
	}
	expression, err := translate(line)
	if err != nil {
		return pattern{}, false, err
	}
	p.loops = 1 + strings.Count(expression, "*")
	p.regexp, err = regexp.Compile(expression)
	if err != nil {
		return pattern{}, false, fmt.Errorf("the pattern %q is not valid", line)
	}
	return p, true, nil
}

// trimLine removes the end of the line and trailing spaces, except one that a backslash
// protects.
func trimLine(line string) string {
	line = strings.TrimRight(line, "\r\n")
	trimmed := strings.TrimRight(line, " ")
	backslashes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if backslashes%2 == 1 && len(trimmed) < len(line) {
		return trimmed + " "
	}
	return trimmed
}

// slash replaces / in regular expressions and in the paths that they match, so that no
// bracket expression, such as [.-0], matches one. Unicode will never assign it.
const slash = "\U0010ffff"

// translate turns a pattern into a regular expression, which matches in linear time. A
// pattern with a slash in it is anchored to the folder of its file.
func translate(glob string) (string, error) {
	var b strings.Builder
	b.WriteString("^")
	if anchored := strings.Contains(glob, "/"); anchored {
		glob = strings.TrimPrefix(glob, "/")
	} else {
		b.WriteString("(?:.*" + slash + ")?")
	}
	for i := 0; i < len(glob); {
		width, err := translateNext(&b, glob, i)
		if err != nil {
			return "", err
		}
		i += width
	}
	b.WriteString("$")
	return "(?s)" + b.String(), nil
}

// translateNext translates the element at glob[i:] and returns its width.
func translateNext(b *strings.Builder, glob string, i int) (int, error) {
	rest, atStart := glob[i:], i == 0 || glob[i-1] == '/'
	switch {
	case atStart && strings.HasPrefix(rest, "**/"):
		b.WriteString("(?:.*" + slash + ")?")
		return 3, nil
	case atStart && rest == "**":
		b.WriteString(".+")
		return 2, nil
	case rest[0] == '*':
		b.WriteString("[^" + slash + "]*")
		return len(rest) - len(strings.TrimLeft(rest, "*")), nil
	case rest[0] == '?':
		b.WriteString("[^" + slash + "]")
	case rest[0] == '/':
		b.WriteString(slash)
	case rest[0] == '[':
		return translateClass(b, rest)
	case rest[0] == '\\':
		if len(rest) == 1 {
			return 0, errors.New("the pattern ends in a backslash")
		}
		r := []rune(rest[1:])[0]
		b.WriteString(regexp.QuoteMeta(string(r)))
		return 1 + len(string(r)), nil
	default:
		r := []rune(rest)[0]
		b.WriteString(regexp.QuoteMeta(string(r)))
		return len(string(r)), nil
	}
	return 1, nil
}

// translateClass translates a bracket expression: [a-z], [!a-z], []], and
// named classes such as [[:digit:]].
func translateClass(b *strings.Builder, rest string) (int, error) {
	var set strings.Builder
	i := 1
	if negated := i < len(rest) && (rest[i] == '!' || rest[i] == '^'); negated {
		set.WriteString("^" + slash)
		i++
	}
	for first := true; i < len(rest); first = false {
		switch {
		case rest[i] == ']' && !first:
			b.WriteString("[" + set.String() + "]")
			return i + 1, nil
		case strings.HasPrefix(rest[i:], "[:"):
			end := strings.Index(rest[i:], ":]")
			if end < 0 {
				return 0, fmt.Errorf("the pattern %q has a class that is not closed", rest)
			}
			set.WriteString(rest[i : i+end+2])
			i += end + 2
			continue
		case rest[i] == '\\' && i+1 < len(rest):
			i++
		case rest[i] == '-' && !first && rest[i+1:] != "" && rest[i+1] != ']':
			set.WriteByte('-')
			i++
			continue
		}
		r := []rune(rest[i:])[0]
		set.WriteString(classQuote(r))
		i += len(string(r))
	}
	return 0, fmt.Errorf("the pattern %q has a bracket that is not closed", rest)
}

// classQuote writes a character inside a class of a regular expression.
func classQuote(r rune) string {
	if strings.ContainsRune(`\]^-[`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// readIgnore reads the ignore file of a folder, if there is one, once.
func (r *renderer) readIgnore(folder string) {
	name := path.Join(folder, IgnoreName)
	if r.again(name) {
		return
	}
	data, err := readFile(r.fsys, name, MaxIgnoreBytes)
	if !r.before.ignored(folder, string(data)) {
		r.before = nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.read.ignores[folder] = string(data)
	if err == nil {
		err = r.ignore.Add(folder, string(data))
	}
	if err != nil {
		r.add(name, manifest.WhyUnread(err), "see gitignore(5) for the syntax")
	}
}
