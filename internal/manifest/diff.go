package manifest

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ChangeKind is the kind of a field's change.
type ChangeKind string

// The kinds of change.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is one field that differs between two states of an object. Before and
// After are made for reading: shortened, escaped, secrets masked; "" where
// there is no value.
type Change struct {
	Path   string // spec.template.spec.containers[web].image
	Before string
	After  string
	Kind   ChangeKind
}

// Diff compares two states of an object field by field, and returns the changes in the
// order of their fields. It matches list elements by the field that names them (name,
// key, mountPath, containerPort and the like), if they have one. It describes an added
// element or mapping field by field, and a removed one in one line. It leaves out
// fields that only the cluster writes, and those under the JSON pointers of ignore. It
// compares the values of Secrets, then masks them.
func Diff(before, after map[string]any, m Masker, ignore ...string) []Change {
	before, after = stripped(before, ignore), stripped(after, ignore)
	d := differ{hiding: m}
	if isSecret(before) || isSecret(after) {
		d.mask = &m
	}
	d.mappings("", before, after)
	for i := range d.changes {
		d.changes[i].Path = m.Text(d.changes[i].Path) // an element may be named by its host
	}
	return d.changes
}

// stripped returns a copy of an object without the fields that are not compared.
func stripped(object map[string]any, ignore []string) map[string]any {
	if object == nil {
		return nil
	}
	object = Without(object, ignore...)
	dropServerFields(object)
	if isSecret(object) {
		foldStringData(object)
	}
	return object
}

// foldStringData moves stringData into data, as the API server does.
func foldStringData(secret map[string]any) {
	texts, ok := secret["stringData"].(map[string]any)
	if !ok {
		return
	}
	data, ok := secret["data"].(map[string]any)
	if !ok {
		data = map[string]any{}
	}
	for key, value := range texts {
		text, _ := value.(string)
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	secret["data"] = data
	delete(secret, "stringData")
}

// differ collects changes. A mask is there if the object is a Secret.
type differ struct {
	mask    *Masker
	hiding  Masker // masks values in objects of every kind
	changes []Change
}

// values compares two values that both exist.
func (d *differ) values(path string, before, after any) {
	if d.hiding.conceals(path) {
		if !reflect.DeepEqual(before, after) {
			d.changes = append(d.changes, Change{Path: path, Before: d.masked(path, before), After: d.masked(path, after), Kind: Changed})
		}
		return
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			d.mappings(path, b, a)
			return
		}
	case []any:
		if a, ok := after.([]any); ok && d.secret(path) == nil {
			d.lists(path, b, a)
			return
		}
	}
	if !reflect.DeepEqual(before, after) {
		b, a := d.show(path, before), d.show(path, after)
		if d.secret(path) == nil && (d.hiding.concealsWithin(path) || d.hiding.hides(before) || d.hiding.hides(after)) {
			// the other side may have the Secret's former values
			b, a = d.hiding.Value(b), d.hiding.Value(a)
		} else if d.secret(path) == nil {
			b, a = shorten(b, a)
		}
		d.changes = append(d.changes, Change{Path: path, Before: b, After: a, Kind: Changed})
	}
}

// masked is the mask of a concealed value.
func (d *differ) masked(path string, value any) string {
	if d.secret(path) != nil {
		return d.show(path, value)
	}
	return d.hiding.Value(string(canonical(value)))
}

func (d *differ) mappings(path string, before, after map[string]any) {
	both := map[string]bool{}
	for key := range before {
		both[key] = true
	}
	for key := range after {
		both[key] = true
	}
	for _, key := range sortedKeys(both) {
		b, hadIt := before[key]
		a, hasIt := after[key]
		switch at := join(path, key); {
		case !hadIt:
			d.added(at, a)
		case !hasIt:
			d.removed(at, b)
		default:
			d.values(at, b, a)
		}
	}
}

// plainKey are the field names that are written without brackets.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// join adds a field to a path as the API server writes it.
func join(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return path + "[" + Clean(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// added reports a new value by its fields.
func (d *differ) added(path string, value any) {
	if d.hiding.conceals(path) {
		d.changes = append(d.changes, Change{Path: path, After: d.masked(path, value), Kind: Added})
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			d.added(join(path, key), v[key])
		}
		if len(v) > 0 {
			return
		}
	case []any:
		if len(v) == 0 || d.secret(path) != nil {
			break
		}
		key := listKey(v)
		for i, element := range v {
			d.added(path+elementName(key, i, element), element)
		}
		return
	}
	after := d.hiding.Text(d.show(path, value))
	if d.secret(path) == nil {
		after, _ = shorten(after, "")
	}
	d.changes = append(d.changes, Change{Path: path, After: after, Kind: Added})
}

func (d *differ) removed(path string, value any) {
	if d.hiding.concealsWithin(path) { // described in one line
		d.changes = append(d.changes, Change{Path: path, Before: d.masked(path, value), Kind: Removed})
		return
	}
	before := d.hiding.Text(d.show(path, value))
	if d.secret(path) == nil {
		before, _ = shorten(before, "")
	}
	d.changes = append(d.changes, Change{Path: path, Before: before, Kind: Removed})
}

// lists compares two lists: by the names of their elements if those have one, else by
// position, without their common beginning and end.
func (d *differ) lists(path string, before, after []any) {
	if key := listKey(before, after); key != "" {
		d.named(path, key, before, after)
		return
	}
	start := 0
	for start < len(before) && start < len(after) && reflect.DeepEqual(before[start], after[start]) {
		start++
	}
	end := 0
	for end < len(before)-start && end < len(after)-start &&
		reflect.DeepEqual(before[len(before)-1-end], after[len(after)-1-end]) {
		end++
	}
	for i := start; i < len(before)-end || i < len(after)-end; i++ {
		switch at := path + "[" + strconv.Itoa(i) + "]"; {
		case i >= len(before)-end:
			d.added(at, after[i])
		case i >= len(after)-end:
			d.removed(at, before[i])
		default:
			d.values(at, before[i], after[i])
		}
	}
}

// named compares lists whose elements have names, and reports a change of their order,
// which matters to containers and to environment variables.
func (d *differ) named(path, key string, before, after []any) {
	old, kept := map[any]any{}, map[any]bool{}
	for _, element := range before {
		old[nameOf(key, element)] = element
	}
	var now, was []string
	for i, element := range after {
		name := nameOf(key, element)
		at := path + elementName(key, i, element)
		if b, ok := old[name]; ok {
			kept[name] = true
			now = append(now, fmt.Sprint(name))
			d.values(at, b, element)
		} else {
			d.added(at, element)
		}
	}
	for i, element := range before {
		if name := nameOf(key, element); kept[name] {
			was = append(was, fmt.Sprint(name))
		} else {
			d.removed(path+elementName(key, i, element), element)
		}
	}
	if !slices.Equal(was, now) {
		b, a := shorten("order "+Clean(d.hiding.Text(strings.Join(was, ", "))), "order "+Clean(d.hiding.Text(strings.Join(now, ", "))))
		d.changes = append(d.changes, Change{Path: path, Before: b, After: a, Kind: Changed})
	}
}

// nameKeys are the fields that name elements of lists in Kubernetes' own kinds
// (their x-kubernetes-list-map-keys), the more telling first. An element is
// named by the first one that is unique in its list.
var nameKeys = []string{
	"name", "key", "mountPath", "devicePath", "containerPort", "port", "type",
	"topologyKey", "uid", "ip", "hostname", "host", "path",
}

// listKey returns the field that names the elements of each of lists, or "".
func listKey(lists ...[]any) string {
	for _, key := range nameKeys {
		if !slices.ContainsFunc(lists, func(list []any) bool { return !namesAll(key, list) }) {
			return key
		}
	}
	return ""
}

// namesAll reports whether every element of list has a name under key, each
// another one.
func namesAll(key string, list []any) bool {
	seen := make(map[any]bool, len(list))
	for _, element := range list {
		name := nameOf(key, element)
		if name == nil || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// nameOf returns the text or number under key, or nil.
func nameOf(key string, element any) any {
	fields, _ := element.(map[string]any)
	switch name := fields[key].(type) {
	case string, int64, float64:
		return name
	}
	return nil
}

// elementName writes an element of a list in a path: [web] if it has a name,
// [containerPort=8080] if another field names it, else [0].
func elementName(key string, i int, element any) string {
	switch name := nameOf(key, element); {
	case key == "" || name == nil:
		return "[" + strconv.Itoa(i) + "]"
	case key == "name" || key == "key":
		return "[" + Clean(fmt.Sprint(name)) + "]"
	default:
		return "[" + key + "=" + Clean(fmt.Sprint(name)) + "]"
	}
}

// secret returns the Masker if the value at path must be masked.
func (d *differ) secret(path string) *Masker {
	top, _, _ := strings.Cut(path, ".")
	top, _, _ = strings.Cut(top, "[")
	if d.mask == nil || slices.Contains(shownOfSecret, top) {
		return nil
	}
	return d.mask
}

// show writes a value for reading.
func (d *differ) show(path string, value any) string {
	if m := d.secret(path); m != nil {
		if _, isMapping := value.(map[string]any); isMapping {
			return "(secret)"
		}
		top, _, _ := strings.Cut(path, ".")
		top, _, _ = strings.Cut(top, "[")
		return m.Value(plaintext(top, value))
	}
	text, ok := value.(string)
	if !ok {
		return Clean(string(canonical(value)))
	}
	body, ends := strings.CutSuffix(text, "\n")
	_, readsAsText := plain(body).(string)
	if !strings.Contains(body, "\n") && (!readsAsText || body != strings.TrimSpace(body)) {
		body = strconv.Quote(body)
	}
	if ends {
		body += "\n"
	}
	return body
}

// maxShown is the longest value, in characters, that a change shows: two of
// them and an arrow fit two lines of a terminal.
const maxShown = 60

// shorten shortens two values, or one, to show where they differ: of several lines the
// first that differs, of a long line the part around the first difference. It escapes
// characters that do not print.
func shorten(before, after string) (string, string) {
	if strings.Contains(before, "\n") || strings.Contains(after, "\n") {
		before, after = firstLine(before, after)
	}
	b, a := []rune(Clean(before)), []rune(Clean(after))
	same := 0
	for same < len(b) && same < len(a) && b[same] == a[same] {
		same++
	}
	if len(a) == 0 || len(b) == 0 || same < maxShown/2 {
		same = 0
	}
	return window(b, same), window(a, same)
}

// firstLine picks the first line in which two texts differ; "" is no text.
func firstLine(before, after string) (string, string) {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	i := 0
	for before != "" && after != "" && i < len(b) && i < len(a) && b[i] == a[i] {
		i++
	}
	return lineOf(b, i), lineOf(a, i)
}

// lineOf writes a line of a text; past its end it says how long the text is.
func lineOf(lines []string, i int) string {
	last := len(lines) - 1
	switch {
	case last == 0 || last == 1 && lines[1] == "" && i == 0:
		return lines[0]
	case last == 1 && lines[1] == "":
		return lines[0] + " (and a newline)"
	case i > last && lines[last] == "":
		return "(" + Plural(last, "line") + " and a newline)"
	case i > last:
		return "(" + Plural(last+1, "line") + ")"
	case i == last && lines[last] == "":
		return "(" + Plural(last, "line") + " and a newline)"
	}
	return fmt.Sprintf("line %d: %s", i+1, lines[i])
}

// window cuts maxShown characters out of text, starting a little before from.
func window(text []rune, from int) string {
	if len(text) <= maxShown {
		return string(text)
	}
	start := min(max(0, from-maxShown/3), len(text)-maxShown+3)
	end := min(start+maxShown, len(text))
	out := string(text[start:end])
	if start > 0 {
		out = "..." + out
	}
	if end < len(text) {
		out += "..."
	}
	return out
}
