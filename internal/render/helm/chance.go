package helm

import (
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata" // dateInZone: a worker has no files of time zones

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

// chanceFunctions are the functions of templates that give another value each
// time: from random numbers, from keys and salts that are made anew.
var chanceFunctions = []string{
	"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4",
	"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey",
	"bcrypt", "htpasswd", "encryptAES",
}

// chance notes which of them a rendering has used. To use one is no fault: the
// value may be only a default that is not taken. What counts is whether the
// outcome is another one.
type chance struct {
	later bool // the second time: it is another day
	used  []string
}

// functions are the functions of chance, and those that ask for the time.
func (c *chance) functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	functions := template.FuncMap{
		"now": func() time.Time { c.note("now"); return c.now() },
		"ago": func(date any) string {
			c.note("ago")
			t, ok := date.(time.Time)
			if !ok {
				t = c.now()
			}
			return c.now().Sub(t).Round(time.Second).String()
		},
	}
	maps.Copy(functions, c.dates())
	maps.Copy(functions, inOrder)
	for _, name := range chanceFunctions {
		if f, ok := all[name]; ok {
			functions[name] = c.noted(name, f)
		}
	}
	return functions
}

// dates are the functions that write a date, and today's where they are given
// something else: sprig asks the clock then, without a word.
func (c *chance) dates() template.FuncMap {
	inZone := func(format string, date any, zone string) string {
		t := c.date(date)
		if location, err := time.LoadLocation(zone); err == nil {
			return t.In(location).Format(format)
		}
		return t.UTC().Format(format)
	}
	const day = "2006-01-02"
	return template.FuncMap{
		"date":           func(format string, date any) string { return inZone(format, date, "Local") },
		"dateInZone":     inZone,
		"date_in_zone":   inZone,
		"htmlDate":       func(date any) string { return inZone(day, date, "Local") },
		"htmlDateInZone": func(date any, zone string) string { return inZone(day, date, zone) },
	}
}

// date is the date that a template gives, in one of sprig's ways.
func (c *chance) date(date any) time.Time {
	switch date := date.(type) {
	case time.Time:
		return date
	case *time.Time:
		if date != nil {
			return *date
		}
	case int64:
		return time.Unix(date, 0)
	case int:
		return time.Unix(int64(date), 0)
	case int32:
		return time.Unix(int64(date), 0)
	}
	c.note("date")
	return c.now()
}

// inOrder are the functions that list a map: of the orders in which they may, the
// one that is the same each time.
var inOrder = template.FuncMap{
	"keys": func(dicts ...map[string]any) []string {
		keys := []string{}
		for _, dict := range dicts {
			keys = append(keys, slices.Sorted(maps.Keys(dict))...)
		}
		return keys
	},
	"values": func(dict map[string]any) []any {
		values := []any{}
		for _, key := range slices.Sorted(maps.Keys(dict)) {
			values = append(values, dict[key])
		}
		return values
	},
}

func (c *chance) now() time.Time {
	if c.later {
		return time.Now().Add(36*time.Hour + 5*time.Second)
	}
	return time.Now()
}

func (c *chance) note(name string) {
	if !slices.Contains(c.used, name) {
		c.used = append(c.used, name)
	}
}

func (c *chance) names() []string { return slices.Sorted(slices.Values(c.used)) }

// noted is a function that is noted when it is used.
func (c *chance) noted(name string, f any) any {
	function := reflect.ValueOf(f)
	return reflect.MakeFunc(function.Type(), func(arguments []reflect.Value) []reflect.Value {
		c.note(name)
		if function.Type().IsVariadic() {
			return function.CallSlice(arguments)
		}
		return function.Call(arguments)
	}).Interface()
}

// separator is the line between two documents.
var separator = regexp.MustCompile(`(?m)^---[ \t]*$`)

// withoutTests returns what a template has rendered to without the hooks that run on
// demand alone: charts give their tests random names, and no check compares them.
func withoutTests(text string) string {
	var kept []string
	for _, document := range separator.Split(text, -1) {
		if !isTest(document) {
			kept = append(kept, document)
		}
	}
	return strings.Join(kept, "---\n")
}

// isTest reports whether a document is a hook that is a test and nothing else.
func isTest(document string) bool {
	var head struct {
		Metadata struct {
			Annotations map[string]any `json:"annotations"`
		} `json:"metadata"`
	}
	if !strings.Contains(document, "helm.sh/hook") || yaml.Unmarshal([]byte(document), &head) != nil {
		return false
	}
	hooks, _ := head.Metadata.Annotations["helm.sh/hook"].(string)
	if hooks == "" {
		return false
	}
	for hook := range strings.SplitSeq(hooks, ",") {
		if !strings.HasPrefix(strings.TrimSpace(hook), "test") { // test, test-success, test-failure
			return false
		}
	}
	return true
}

// chanceProblem says that a template renders to something else each time: where the
// chart uses chance, and the value to set instead.
func (r *renderer) chanceProblem(name string, c *chance) {
	file, line := r.place(name, 0)
	use := r.useOf(name, c)
	if use.file != "" {
		file, line = use.file, use.line
	}
	message := "the template renders to something else each time: it uses " + strings.Join(c.names(), ", ")
	if template, _ := r.place(name, 0); template != file {
		message = template + " renders to something else each time: it uses " + strings.Join(c.names(), ", ") + " here"
	}
	hint := "set the value that it makes up, in a file of values; one that is secret in an encrypted file"
	if use.value != "" {
		hint = "set " + use.value + " in a file of values; in an encrypted file, if it is secret"
	}
	r.add(file, line, message, hint)
}

// use is where a chart uses chance.
type use struct {
	file  string // in the repository; "" if it was not found
	line  int
	value string // that is to be set instead; "" if none is named near it
}

// useOf finds the use of chance that a template's outcome is of: in the template, or
// else in what templates share.
func (r *renderer) useOf(name string, c *chance) use {
	word := regexp.MustCompile(`\b(` + strings.Join(c.names(), "|") + `)\b`)
	var shared use
	for _, template := range r.chart.Templates {
		full := r.chart.Name() + "/" + template.Name
		own := full == name
		if !own && (shared.file != "" || !strings.HasPrefix(path.Base(template.Name), "_")) {
			continue
		}
		found := useIn(string(template.Data), word)
		if found.line == 0 {
			continue
		}
		if found.file, found.line = r.place(full, found.line); own {
			return found
		}
		shared = found
	}
	return shared
}

var (
	// setValue is how a template writes into its values: set .Values.login "pass".
	setValue = regexp.MustCompile(`set\s+\.Values((?:\.\w+)*)\s+"(\w+)"`)
	anyValue = regexp.MustCompile(`\.Values((?:\.\w+)+)`)
)

// useIn finds the first use of a word in a template, and the value on its line or the
// nearest one above.
func useIn(text string, word *regexp.Regexp) use {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !word.MatchString(line) {
			continue
		}
		found := use{line: i + 1}
		for near := i; near >= max(0, i-3) && found.value == ""; near-- {
			found.value = valueOn(lines[near])
		}
		return found
	}
	return use{}
}

// valueOn is the value that a line of a template names, as a file of values has it.
func valueOn(line string) string {
	if set := setValue.FindStringSubmatch(line); set != nil {
		return strings.TrimPrefix(set[1]+"."+set[2], ".")
	}
	if named := anyValue.FindStringSubmatch(line); named != nil {
		return strings.TrimPrefix(named[1], ".")
	}
	return ""
}
