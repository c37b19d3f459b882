package amend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits on the search for one value.
const (
	// maxTrials bounds the number of renderings.
	maxTrials = 300
	// searchTime bounds the time of all of them.
	searchTime = 60 * time.Second
	// maxFile bounds a file that is searched, in bytes.
	maxFile = 1 << 20
	// maxSteps bounds the values that make one reference: registry, path, tag and digest.
	maxSteps = 4
	// MaxValue bounds a value, in bytes.
	MaxValue = 4096
)

// Files are contents of files, by path.
type Files map[string][]byte

// Look renders an app with other contents of some files, and returns a field of one of its
// objects; false if the app cannot be rendered with them, or does not set the field.
type Look func(ctx context.Context, changed Files) (any, bool)

// Change is one value that was replaced.
type Change struct {
	File string
	Line int // from 1
	From string
	To   string
}

// ErrNotFound is the error of a value that no single line decides.
var ErrNotFound = errors.New("no line that decides the value was found")

// errBudget is the error of a search that was given up.
var errBudget = fmt.Errorf("the search was given up after %d trials or %s", maxTrials, searchTime)

// Search is a search for values in the files that an app is rendered from.
type Search struct {
	Files Files // that may change; larger ones are left out
	Look  Look

	trials int
	began  time.Time
}

// candidate is a change of one file.
type candidate struct {
	file string
	data []byte // the file then
	Change
	weight int // of those for one value, the heaviest is tried first
}

// trial renders with a candidate on top of former changes.
func (s *Search) trial(ctx context.Context, done Files, c candidate) (any, bool, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	if s.trials++; s.trials > maxTrials || time.Since(s.began) > searchTime {
		return nil, false, errBudget
	}
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("search for what decides the value: %w", err)
	}
	value, ok := s.Look(ctx, with(done, c.file, c.data))
	return value, ok, nil
}

// with returns files with one more.
func with(files Files, name string, data []byte) Files {
	more := maps.Clone(files)
	if more == nil {
		more = Files{}
	}
	more[name] = data
	return more
}

// content is a file after former changes.
func (s *Search) content(done Files, name string) []byte {
	if data, ok := done[name]; ok {
		return data
	}
	return s.Files[name]
}

// Value finds the line that makes a field what it is, and changes it to what is wanted, on
// top of former changes. The error is ErrNotFound if there is none.
func (s *Search) Value(ctx context.Context, done Files, is, want any) (Files, []Change, error) {
	from, to := Text(is), Text(want)
	var all []candidate
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		all = append(all, s.candidates(done, name, map[string][]string{from: {to}})...)
	}
	for _, c := range all {
		value, ok, err := s.trial(ctx, done, c)
		if err != nil {
			return nil, nil, err
		}
		if ok && Equal(value, want) {
			return with(done, c.file, c.data), []Change{c.Change}, nil
		}
	}
	return nil, nil, ErrNotFound
}

// Image finds the lines that make a reference to an image what it is, and changes them to
// what is wanted, on top of former changes: one line, or one for each part.
func (s *Search) Image(ctx context.Context, done Files, is, want Image) (Files, []Change, error) {
	return s.image(ctx, journey{done: done}, is, want)
}

// journey is a reference on its way to the wanted one.
type journey struct {
	done    Files
	changes []Change
	steps   int
}

// image tries each candidate, and from one that brings the reference nearer, the next ones.
func (s *Search) image(ctx context.Context, j journey, is, want Image) (Files, []Change, error) {
	if j.steps++; j.steps > maxSteps {
		return nil, nil, ErrNotFound
	}
	for _, c := range s.imageCandidates(j.done, is, want) {
		value, ok, err := s.trial(ctx, j.done, c)
		if err != nil {
			return nil, nil, err
		}
		text, isText := value.(string)
		if !ok || !isText {
			continue
		}
		now, next := Split(text), journey{with(j.done, c.file, c.data), joined(j.changes, c.Change), j.steps}
		if now.meets(want) {
			return next.done, next.changes, nil
		}
		if !now.nearer(want, is) {
			continue
		}
		if files, changes, err := s.image(ctx, next, now, want); !errors.Is(err, ErrNotFound) {
			return files, changes, err
		}
	}
	return nil, nil, ErrNotFound
}

// joined returns changes with one more, which may go on with a line that was changed.
func joined(changes []Change, c Change) []Change {
	changes = slices.Clone(changes)
	for i, before := range changes {
		if before.File == c.File && before.Line == c.Line && before.To == c.From {
			changes[i].To = c.To
			return changes
		}
	}
	return append(changes, c)
}

// imageCandidates are the changes that could bring a reference nearer to the wanted one.
func (s *Search) imageCandidates(done Files, is, want Image) []candidate {
	texts := map[string][]string{}
	for _, segment := range segments {
		from, to := segment(is), segment(want)
		if from != "" && from != to && !slices.Contains(texts[from], to) {
			texts[from] = append(texts[from], to)
		}
	}
	var all []candidate
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		found := s.candidates(done, name, texts)
		found = append(found, s.unset(done, name, is, want)...)
		for i, c := range found {
			if strings.Contains(c.To, "@") && !strings.Contains(c.From, "@") && c.From != is.String() { // a tag that ends in a digest
				found[i].weight -= maxImage
			}
			if c.To == "" { // better the key goes
				found[i].weight -= maxImage
			}
			if path.Base(name) == "Chart.yaml" { // appVersion is the chart's, and the last resort
				found[i].weight -= 2 * maxImage
			}
		}
		all = append(append(all, found...), s.entries(done, name, is, want)...)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return b.weight - a.weight })
	return all
}

// candidates are the changes of a file's values from some texts to others.
func (s *Search) candidates(done Files, name string, texts map[string][]string) []candidate {
	data := s.content(done, name)
	if len(data) > maxFile {
		return nil
	}
	file := read(data)
	var all []candidate
	for _, found := range slices.Concat(file.scalars, file.words(slices.Collect(maps.Keys(texts)))) {
		for _, to := range texts[found.text] {
			all = append(all, file.changes(name, found, to)...)
		}
	}
	return all
}

// unset are the changes of values that are written and empty, such as tag: "", by the
// meaning of their keys.
func (s *Search) unset(done Files, name string, is, want Image) []candidate {
	data := s.content(done, name)
	if len(data) > maxFile {
		return nil
	}
	file := read(data)
	var all []candidate
	for _, found := range file.scalars {
		key := strings.ToLower(found.key)
		if !found.null() {
			continue
		}
		switch {
		case strings.Contains(key, "digest") && is.Digest != want.Digest && want.Digest != "":
			all = append(all, file.changes(name, found, want.Digest)...)
		case strings.Contains(key, "tag") && is.Tag != want.Tag && want.Tag != "":
			all = append(all, file.changes(name, found, want.Tag)...)
		case strings.Contains(key, "registry") && is.Registry != want.Registry && want.Registry != "":
			all = append(all, file.changes(name, found, want.Registry)...)
		}
	}
	return all
}

// changes are the ways to give one value of a file another text.
func (f *source) changes(name string, found scalar, to string) []candidate {
	var all []candidate
	for _, form := range found.forms(to) {
		changed := spliced(f.data, part{found.start, found.end, []byte(form)})
		if onlyOne(f, changed, to) {
			all = append(all, candidate{name, changed, Change{name, found.line, found.text, to}, len(found.text)})
		}
	}
	return all
}

// words finds texts in the lines that are not read as YAML, each of them whole: not as
// part of a longer word.
func (f *source) words(texts []string) []scalar {
	slices.Sort(texts)
	var all []scalar
	for _, block := range f.loose {
		for n := block[0]; n < block[1]; n++ {
			start, end := f.lines[n], len(f.data)
			if n+1 < len(f.lines) {
				end = f.lines[n+1]
			}
			for _, text := range texts {
				for _, at := range occurrences(f.data[start:end], text) {
					all = append(all, scalar{line: n + 1, text: text, style: verbatim, start: start + at, end: start + at + len(text)})
				}
			}
		}
	}
	return all
}

// occurrences returns where a text stands in a line as a word of its own.
func occurrences(line []byte, text string) []int {
	var all []int
	for from := 0; text != ""; {
		at := bytes.Index(line[from:], []byte(text))
		if at < 0 {
			break
		}
		start, end := from+at, from+at+len(text)
		if (start == 0 || !inWord(line[start-1])) && (end == len(line) || !inWord(line[end])) {
			all = append(all, start)
		}
		from = end
	}
	return all
}

func inWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == '-' || b == '.'
}

// Text is a value as YAML writes it, without quotes.
func Text(value any) string {
	switch value := value.(type) {
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}

// Equal reports whether two values are the same in JSON, where 1 is 1.0.
func Equal(a, b any) bool {
	return kind(a) == kind(b) && Text(a) == Text(b)
}

func kind(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int64, int, float64:
		return "number"
	}
	return "other"
}

// Typed reads a text as a value of the same type as another, or as text if it is none of
// that type: a percentage may take the place of a number.
func Typed(text string, like any) any {
	switch kind(like) {
	case "number":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
			return n
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == text {
			return f
		}
	case "boolean":
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}
