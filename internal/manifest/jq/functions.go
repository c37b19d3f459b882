package jq

import (
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPattern is how many instructions a regular expression may have.
const maxPattern = 1000

// call is a function that makes a value of another one, for all combinations of what its
// arguments lead to.
type call struct {
	name string
	args []node
	of   func(r *run, value any, args []any) (any, error)
}

func (call) patterns([]string) []string { return nil }

func (n call) eval(r *run, at place, emit func(place) error) error {
	return n.with(r, at, nil, emit)
}

// with calls the function with the arguments that are known, and all of the others.
func (n call) with(r *run, at place, known []any, emit func(place) error) error {
	if len(known) < len(n.args) {
		return n.args[len(known)].eval(r, at.freed(), func(arg place) error {
			return n.with(r, at, append(slices.Clip(known), arg.value), emit)
		})
	}
	if err := r.spend(1); err != nil {
		return err
	}
	value, err := n.of(r, at.value, known)
	if err != nil {
		return err
	}
	return emit(at.with(value))
}

// quantified is any(is) or all(is), over what of leads to.
type quantified struct {
	of, is node
	all    bool
}

// builder makes the part of a function with its arguments.
type builder func(args []node) (node, *Refusal)

// functions are those that are read, by their names and numbers of arguments.
var functions = map[string]builder{
	"select/1":  func(args []node) (node, *Refusal) { return chosen{args[0]}, nil },
	"first/1":   func(args []node) (node, *Refusal) { return first{args[0]}, nil },
	"recurse/0": func([]node) (node, *Refusal) { return descend{}, nil },
	"values/0":  func([]node) (node, *Refusal) { return chosen{compare{self{}, "!=", literal{nil}}}, nil },
	"map/1":     func(args []node) (node, *Refusal) { return list{pipe{each{self{}}, args[0]}}, nil },
	"any/0":     quantifier(false),
	"any/1":     quantifier(false),
	"any/2":     quantifier(false),
	"all/0":     quantifier(true),
	"all/1":     quantifier(true),
	"all/2":     quantifier(true),
	"IN/1": func(args []node) (node, *Refusal) {
		return quantify(compare{args[0], "==", self{}}, self{}, false), nil
	},
	"test/1":     tester,
	"test/2":     tester,
	"not/0":      value("not", func(_ *run, value any, _ []any) (any, error) { return !truth(value), nil }),
	"type/0":     value("type", func(_ *run, value any, _ []any) (any, error) { return typeOf(value), nil }),
	"length/0":   value("length", lengthOf),
	"keys/0":     value("keys", keysOf),
	"has/1":      value("has", func(_ *run, value any, args []any) (any, error) { return has(value, args[0]) }),
	"in/1":       value("in", func(_ *run, value any, args []any) (any, error) { return has(args[0], value) }),
	"contains/1": value("contains", func(r *run, value any, args []any) (any, error) { return contains(r, value, args[0]) }),
	"inside/1":   value("inside", func(r *run, value any, args []any) (any, error) { return contains(r, args[0], value) }),

	"to_entries/0":     value("to_entries", entriesOf),
	"ascii_downcase/0": onText("ascii_downcase", func(s, _ string) any { return mapped(s, 'A', 'Z', 'a'-'A') }),
	"ascii_upcase/0":   onText("ascii_upcase", func(s, _ string) any { return mapped(s, 'a', 'z', 'A'-'a') }),
	"startswith/1":     onText("startswith", func(s, prefix string) any { return strings.HasPrefix(s, prefix) }),
	"endswith/1":       onText("endswith", func(s, suffix string) any { return strings.HasSuffix(s, suffix) }),
}

// value makes a builder of a function of a value and arguments.
func value(name string, of func(r *run, value any, args []any) (any, error)) builder {
	return func(args []node) (node, *Refusal) { return call{name, args, of}, nil }
}

// onText makes a builder of a function of a text, and another one if it has an argument.
func onText(name string, of func(s, arg string) any) builder {
	return value(name, func(r *run, value any, args []any) (any, error) {
		s, ok := value.(string)
		if !ok {
			return nil, errKind
		}
		arg := ""
		if len(args) > 0 {
			if arg, ok = args[0].(string); !ok {
				return nil, errKind
			}
		}
		return of(s, arg), r.spend(len(s) / 100)
	})
}

// mapped shifts the letters of a text that are in a range.
func mapped(s string, from, to, by rune) string {
	return strings.Map(func(c rune) rune {
		if c >= from && c <= to {
			return c + by
		}
		return c
	}, s)
}

// tester reads test("pattern") and test("pattern"; "flags").
func tester(args []node) (node, *Refusal) {
	var texts []string
	for _, arg := range args {
		written, _ := arg.(literal)
		text, ok := written.value.(string)
		if !ok {
			return nil, unread("the arguments of test are strings that are written out")
		}
		texts = append(texts, text)
	}
	pattern := texts[0]
	if len(texts) > 1 {
		if strings.Trim(texts[1], "gim") != "" {
			return nil, unread("test has the flags g, i and m, and not %q", texts[1])
		}
		if strings.Contains(texts[1], "i") {
			pattern = "(?i)" + pattern
		}
		if strings.Contains(texts[1], "m") {
			pattern = "(?s)" + pattern
		}
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, unread("test(%q): %v", texts[0], err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxPattern {
		return nil, unread("test(%q): the pattern is too large", texts[0])
	}
	compiled, cost := regexp.MustCompile(pattern), len(program.Inst)
	return call{"test", nil, func(r *run, value any, _ []any) (any, error) {
		s, ok := value.(string)
		if !ok {
			return nil, errKind
		}
		if err := r.spend(len(s) * cost / 10); err != nil {
			return nil, err
		}
		return compiled.MatchString(s), nil
	}}, nil
}

// quantifier builds any and all: of the elements, of a condition on them, or of a condition on
// what the first argument leads to.
func quantifier(all bool) builder {
	return func(args []node) (node, *Refusal) {
		switch len(args) {
		case 0:
			return quantify(each{self{}}, self{}, all), nil
		case 1:
			return quantify(each{self{}}, args[0], all), nil
		default:
			return quantify(args[0], args[1], all), nil
		}
	}
}

func quantify(of, is node, all bool) node { return quantified{of, is, all} }

func (quantified) patterns([]string) []string { return nil }

func (n quantified) eval(r *run, at place, emit func(place) error) error {
	found := false
	err := first{pipe{n.of, chosen{pipe{n.is, call{"is", nil, func(_ *run, value any, _ []any) (any, error) {
		return truth(value) != n.all, nil
	}}}}}}.eval(r, at.freed(), func(place) error {
		found = true
		return nil
	})
	if err != nil {
		return err
	}
	return emit(at.with(found != n.all))
}

func lengthOf(r *run, value any, _ []any) (any, error) {
	switch value := value.(type) {
	case nil:
		return int64(0), nil
	case string:
		return int64(utf8.RuneCountInString(value)), r.spend(len(value) / 100)
	case []any:
		return int64(len(value)), nil
	case map[string]any:
		return int64(len(value)), nil
	}
	if n, ok := float(value); ok {
		return max(n, -n), nil
	}
	return nil, errKind
}

func keysOf(r *run, value any, _ []any) (any, error) {
	keys := []any{}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			keys = append(keys, key)
		}
	case []any:
		for i := range value {
			keys = append(keys, int64(i))
		}
	default:
		return nil, errKind
	}
	return keys, r.spend(len(keys))
}

func entriesOf(r *run, value any, _ []any) (any, error) {
	entries := []any{}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			entries = append(entries, map[string]any{"key": key, "value": value[key]})
		}
	case []any:
		for i, element := range value {
			entries = append(entries, map[string]any{"key": int64(i), "value": element})
		}
	default:
		return nil, errKind
	}
	return entries, r.spend(len(entries))
}
