package argo

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// removed are the functions of sprig that templates do not have: those that Argo CD takes out,
// those whose result differs each time or costs much, and those that change their arguments.
var removed = regexp.MustCompile(`^(env|expandenv|getHostByName|gen.*|rand.*|shuffle|uuidv4|bcrypt|htpasswd|derivePassword|encryptAES|decryptAES|buildCustomCert|now|ago|date.*|htmlDate.*|mustDate.*|must_date.*|toDate|mustToDate|unixEpoch|duration.*|set|unset|merge.*|mustMerge.*|deepCopy|mustDeepCopy)$`)

// amplifying functions make a text as long as the product of their arguments.
var amplifying = map[string]bool{
	"repeat": true, "indent": true, "nindent": true, "replace": true, "join": true, "wrap": true, "wrapWith": true, "until": true, "untilStep": true, "seq": true,
	"regexReplaceAll": true, "mustRegexReplaceAll": true, "regexReplaceAllLiteral": true, "mustRegexReplaceAllLiteral": true, "printf": true,
}

// tooMuch is how many times too long a result may be that a function makes in vain.
const tooMuch = 16

var wide = regexp.MustCompile(`%[^%a-zA-Z]*(\d{4}|\*)`)

// functions are those of templates, each held to the budget.
func (b *budget) functions() template.FuncMap {
	if b.known != nil {
		return b.known
	}
	all := template.FuncMap(sprig.GenericFuncMap())
	for name := range all {
		if removed.MatchString(name) {
			delete(all, name)
		}
	}
	all["normalize"], all["slugify"] = sanitize, slugify
	all["toYaml"] = func(v any) (string, error) {
		text, err := yaml.Marshal(v)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	all["fromYaml"] = func(text string) (v map[string]any, err error) {
		err = meaning.Unmarshal([]byte(text), &v)
		return v, err
	}
	all["fromYamlArray"] = func(text string) (v []any, err error) { err = meaning.Unmarshal([]byte(text), &v); return v, err }
	all["print"], all["println"], all["printf"] = fmt.Sprint, fmt.Sprintln, fmt.Sprintf
	all["html"], all["js"], all["urlquery"] = template.HTMLEscaper, template.JSEscaper, template.URLQueryEscaper
	for name, function := range all {
		all[name] = b.bounded(name, function)
	}
	all[showing] = func(v any) (any, error) { return v, b.take(measure(reflect.ValueOf(v), 0)) }
	all[stepping] = func() (string, error) {
		if b.rounds--; b.rounds < 0 {
			return "", errSteps
		}
		return "", b.take(1)
	}
	b.known = all
	return all
}

// bounded is a function that is not called with too much, and does not return too much.
func (b *budget) bounded(name string, function any) any {
	f := reflect.ValueOf(function)
	kind := f.Type()
	failing := reflect.TypeFor[error]()
	in, out := make([]reflect.Type, kind.NumIn()), []reflect.Type{kind.Out(0), failing}
	for i := range in {
		in[i] = kind.In(i)
	}
	return reflect.MakeFunc(reflect.FuncOf(in, out, kind.IsVariadic()), func(args []reflect.Value) []reflect.Value {
		failed := func(err error) []reflect.Value {
			return []reflect.Value{reflect.Zero(out[0]), reflect.ValueOf(&err).Elem()}
		}
		if err := b.before(name, args); err != nil {
			return failed(err)
		}
		var results []reflect.Value
		if kind.IsVariadic() {
			results = f.CallSlice(args)
		} else {
			results = f.Call(args)
		}
		if len(results) == 2 && !results[1].IsNil() {
			if err, ok := reflect.TypeAssert[error](results[1]); ok {
				return failed(err)
			}
		}
		size := measure(results[0], 0)
		if b.work -= size; size > MaxText {
			b.work -= tooMuch * MaxText
			return failed(errText)
		}
		return []reflect.Value{results[0], reflect.Zero(failing)}
	}).Interface()
}

// before holds the arguments of a function to the limits.
func (b *budget) before(name string, args []reflect.Value) error {
	work, product := 1, 1
	for _, arg := range args {
		size := measure(arg, 0)
		work += size
		for arg.Kind() == reflect.Interface && !arg.IsNil() {
			arg = arg.Elem()
		}
		if arg.CanInt() {
			size = int(min(max(arg.Int(), -arg.Int()), MaxText+1))
		}
		if size > MaxText {
			return errText
		}
		if product *= max(size, 1); amplifying[name] && product > tooMuch*MaxText {
			return errText
		}
		if name == "printf" && arg.Kind() == reflect.String && wide.MatchString(arg.String()) {
			return errText
		}
	}
	if strings.Contains(strings.ToLower(name), "regex") {
		more, err := expressionWork(args)
		if err != nil {
			return err
		}
		work += more
	}
	return b.take(work)
}

// repeats are counts in a regular expression, which make it as much longer.
var repeats = regexp.MustCompile(`\{(\d{1,4})(?:,(\d{1,4}))?`)

var errExpression = fmt.Errorf("a regular expression has more than %d bytes", appfile.MaxPattern)

// expressionWork is about what it takes to try a regular expression, the first of some arguments,
// on the others.
func expressionWork(args []reflect.Value) (int, error) {
	size, length := 0, 0
	for i, arg := range args {
		if arg.Kind() != reflect.String {
			continue
		}
		if i > 0 {
			length += arg.Len()
			continue
		}
		if size = arg.Len(); size > appfile.MaxPattern {
			return 0, errExpression
		}
		most := 1
		for _, count := range repeats.FindAllStringSubmatch(arg.String(), -1) {
			for _, text := range count[1:] {
				number, _ := strconv.Atoi(text) // "" is none
				most = min(most*max(number, 1), 1000)
			}
		}
		size *= most
	}
	return size * (length/10 + 10), nil
}

// measure is about the size of a value in bytes, or more than MaxText.
func measure(v reflect.Value, depth int) int {
	if depth > 100 {
		return MaxText + 1
	}
	switch v.Kind() {
	case reflect.Invalid:
		return 0
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return 1
		}
		return measure(v.Elem(), depth+1)
	case reflect.String:
		return v.Len()
	case reflect.Slice, reflect.Array:
		size := 1
		for i := 0; i < v.Len() && size <= MaxText; i++ {
			size += 1 + measure(v.Index(i), depth+1)
		}
		return size
	case reflect.Map:
		size := 1
		for entry := v.MapRange(); entry.Next() && size <= MaxText; {
			size += 1 + measure(entry.Key(), depth+1) + measure(entry.Value(), depth+1)
		}
		return size
	}
	return 8
}

// Names of the functions that the server puts into a template.
const (
	stepping = "pushboatStep" // at the beginning of each round of a loop and of each template
	showing  = "pushboatShow" // behind what is written
)

// writer is the output of a template.
type writer struct{ strings.Builder }

// Write implements io.Writer.
func (w *writer) Write(text []byte) (int, error) {
	if w.Len()+len(text) > MaxText {
		return 0, errText
	}
	return w.Builder.Write(text)
}

// run executes a template of Go.
func (b *budget) run(text string, params map[string]any, options []string) (result string, err error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if len(text) > MaxText {
		return "", errText
	}
	defer func() {
		if recover() != nil {
			err = errors.New("the template cannot be read")
		}
	}()
	if err := b.take(len(text)); err != nil {
		return "", err
	}
	t, err := b.parse(text, options)
	if err != nil {
		return "", err
	}
	b.rounds = maxRounds
	var out writer
	if err := t.Execute(&out, params); err != nil {
		return "", err
	}
	return out.String(), nil
}

// parse reads a template of Go, and puts steps into it.
func (b *budget) parse(text string, options []string) (*template.Template, error) {
	key := strings.Join(options, " ") + "\n" + text
	if t := b.parsed[key]; t != nil {
		return t, nil
	}
	functions := b.functions()
	t, err := template.New("").Funcs(functions).Option(options...).Parse(text)
	if err != nil {
		return nil, err
	}
	step, err := template.New("").Funcs(functions).Parse("{{" + stepping + "}}")
	if err != nil {
		return nil, err
	}
	for _, one := range t.Templates() {
		if one.Tree != nil {
			guard(one.Root, step.Root.Nodes[0])
			one.Root.Nodes = append([]parse.Node{step.Root.Nodes[0]}, one.Root.Nodes...)
		}
	}
	if b.bytes+len(key) <= maxParsed {
		b.bytes += len(key)
		b.parsed[key] = t
	}
	return t, nil
}

// guard puts a step into each loop, and a measure behind all that is written.
func guard(list *parse.ListNode, step parse.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.RangeNode:
			guard(n.List, step)
			guard(n.ElseList, step)
			n.List.Nodes = append([]parse.Node{step}, n.List.Nodes...)
		case *parse.IfNode:
			guard(n.List, step)
			guard(n.ElseList, step)
		case *parse.WithNode:
			guard(n.List, step)
			guard(n.ElseList, step)
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
					NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(showing).SetPos(n.Pos)},
				})
			}
		}
	}
}

// simple is a name of a template that is not Go's.
var simple = regexp.MustCompile(`\{\{([^{}]*)\}\}`)

// replace puts parameters into a text in place of {{name}}; a name that is not known stays.
func (b *budget) replace(text string, params map[string]any) (string, error) {
	var err error
	size := len(text)
	result := simple.ReplaceAllStringFunc(text, func(use string) string {
		value, ok := params[strings.TrimSpace(use[2:len(use)-2])].(string)
		if size += len(value); !ok || size > MaxText {
			return use
		}
		return value
	})
	if size > MaxText {
		err = errText
	}
	return result, errors.Join(err, b.take(size))
}

// language is how the templates of a set are read.
type language struct {
	*budget
	isGo    bool
	options []string
}

// text fills one text.
func (l language) text(text string, params map[string]any) (string, error) {
	if l.isGo {
		return l.run(text, params, l.options)
	}
	return l.replace(text, params)
}

// fill fills all texts in a value, keys among them.
func (l language) fill(value any, params map[string]any) (any, error) {
	switch value := value.(type) {
	case string:
		return l.text(value, params)
	case []any:
		filled := make([]any, len(value))
		for i, element := range value {
			var err error
			if filled[i], err = l.fill(element, params); err != nil {
				return nil, within(fmt.Sprintf("[%d]", i), err)
			}
		}
		return filled, nil
	case map[string]any:
		filled := make(map[string]any, len(value))
		for key, inner := range value {
			name, err := l.text(key, params)
			if err == nil {
				filled[name], err = l.fill(inner, params)
			}
			if err != nil {
				return nil, within(fieldStep(key), err)
			}
		}
		return filled, nil
	}
	return value, nil
}

// unfit is the error of a template in a field.
type unfit struct {
	field string // from the value that was filled, in the notation of manifest.Object.LineOf
	err   error
}

func (e *unfit) Error() string { return e.err.Error() }
func (e *unfit) Unwrap() error { return e.err }

// within is an error of a template, with a step of the way to its field.
func within(step string, err error) error {
	if inner, ok := errors.AsType[*unfit](err); ok {
		return &unfit{step + inner.field, inner.err}
	}
	return &unfit{step, err}
}

// fieldStep is a key of a mapping as a step.
func fieldStep(key string) string {
	if strings.ContainsAny(key, "./[]") {
		return "[" + key + "]"
	}
	return "." + key
}

// plain is a value as JSON has it.
func plain(value any) any {
	text, err := json.Marshal(value)
	var copied any
	if err != nil || json.Unmarshal(text, &copied) != nil {
		return value
	}
	return copied
}

var (
	unnamed  = regexp.MustCompile(`[^-a-z0-9.]`)
	unslugly = regexp.MustCompile(`[^a-z0-9]`)
	dashes   = regexp.MustCompile(`-{2,}`)
)

// sanitize makes a name of an object of a text, as Argo CD's normalize.
func sanitize(text string) string {
	text = unnamed.ReplaceAllString(strings.ToLower(text), "-")
	return strings.Trim(text[:min(len(text), 253)], "-.")
}

// slugify cuts a name to 50 letters, or as many as its first argument says; the last is the
// name, and a true before it cuts between words.
func slugify(args ...any) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	name, ok := args[len(args)-1].(string)
	if !ok {
		return "", errors.New("the last argument of slugify is a text")
	}
	most, smart := 50, false
	for _, arg := range args[:len(args)-1] {
		switch arg := arg.(type) {
		case int:
			most = arg
		case bool:
			smart = arg
		}
	}
	name = strings.Trim(dashes.ReplaceAllString(unslugly.ReplaceAllString(strings.ToLower(name), "-"), "-"), "-")
	if most = max(most, 0); len(name) > most {
		cut := name[:most]
		if last := strings.LastIndex(cut, "-"); smart && last > 0 && name[most] != '-' {
			cut = cut[:last]
		}
		name = strings.Trim(cut, "-")
	}
	return name, nil
}
