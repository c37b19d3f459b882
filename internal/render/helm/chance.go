package helm

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata" // dateInZone: a worker has no files of time zones

	"github.com/Masterminds/sprig/v3"
)

// chanceFunctions are the functions of templates that return another value each time:
// from random numbers, or from new keys and salts.
var chanceFunctions = []string{
	"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4",
	"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey",
	"bcrypt", "htpasswd", "encryptAES",
}

// chance notes which of them a rendering has used. Using one is no fault, since the
// value may be a default that is not taken. The test is whether the output differs.
type chance struct {
	later bool // the second rendering, as of another day
	used  []string
	count int // of uses

	// made are the results of uses by function and arguments, so that trials do not
	// make the same keys and hashes repeatedly; nil: each use has results of its own.
	made map[string][]reflect.Value

	stop      int    // the number of the use that fails, from 1; 0: none
	stoppedAt string // the function of that use
}

// functions returns the functions of chance, and those that read the clock.
func (c *chance) functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	functions := template.FuncMap{
		"now": func() (time.Time, error) { return c.now(), c.note("now") },
		"ago": func(date any) (string, error) {
			t, ok := date.(time.Time)
			if !ok {
				t = c.now()
			}
			return c.now().Sub(t).Round(time.Second).String(), c.note("ago")
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

// dates returns the functions that write a date. Given anything else than a date, they
// write today's: sprig then reads the clock without saying so.
func (c *chance) dates() template.FuncMap {
	inZone := func(format string, date any, zone string) (string, error) {
		t, err := c.date(date)
		if location, err := time.LoadLocation(zone); err == nil {
			t = t.In(location)
		} else {
			t = t.UTC()
		}
		return t.Format(format), err
	}
	const day = "2006-01-02"
	return template.FuncMap{
		"date":           func(format string, date any) (string, error) { return inZone(format, date, "Local") },
		"dateInZone":     inZone,
		"date_in_zone":   inZone,
		"htmlDate":       func(date any) (string, error) { return inZone(day, date, "Local") },
		"htmlDateInZone": func(date any, zone string) (string, error) { return inZone(day, date, zone) },
	}
}

// date returns the date that a template gives, in one of sprig's forms.
func (c *chance) date(date any) (time.Time, error) {
	switch date := date.(type) {
	case time.Time:
		return date, nil
	case *time.Time:
		if date != nil {
			return *date, nil
		}
	case int64:
		return time.Unix(date, 0), nil
	case int:
		return time.Unix(int64(date), 0), nil
	case int32:
		return time.Unix(int64(date), 0), nil
	}
	return c.now(), c.note("date")
}

// inOrder are the functions that list a map: of all orders that they may use, these use
// one that never changes.
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

// note notes a use of a function; it returns an error if that use must fail.
func (c *chance) note(name string) error {
	if !slices.Contains(c.used, name) {
		c.used = append(c.used, name)
	}
	if c.count++; c.count == c.stop {
		c.stoppedAt = name
		return errStopped
	}
	return nil
}

func (c *chance) names() []string { return slices.Sorted(slices.Values(c.used)) }

var errorType = reflect.TypeFor[error]()

// noted wraps a function to note its uses. Its last result is an error.
func (c *chance) noted(name string, f any) any {
	function := reflect.ValueOf(f)
	in, out := slices.Collect(function.Type().Ins()), slices.Collect(function.Type().Outs())
	fails := out[len(out)-1] == errorType
	if !fails {
		out = append(out, errorType)
	}
	kind := reflect.FuncOf(in, out, function.Type().IsVariadic())
	return reflect.MakeFunc(kind, func(arguments []reflect.Value) []reflect.Value {
		if err := c.note(name); err != nil {
			return failing(out, err)
		}
		return c.results(name, arguments, func() []reflect.Value {
			call := function.Call
			if function.Type().IsVariadic() {
				call = function.CallSlice
			}
			results := call(arguments)
			if !fails {
				results = append(results, reflect.Zero(errorType))
			}
			return results
		})
	}).Interface()
}

// results returns the earlier results of the same use, if they are kept.
func (c *chance) results(name string, arguments []reflect.Value, call func() []reflect.Value) []reflect.Value {
	if c.made == nil {
		return call()
	}
	var use strings.Builder
	use.WriteString(name)
	for _, argument := range arguments {
		fmt.Fprintf(&use, " %#v", argument)
	}
	key := use.String()
	if _, known := c.made[key]; !known {
		c.made[key] = call()
	}
	return c.made[key]
}

// failing returns the results of a function that fails.
func failing(out []reflect.Type, err error) []reflect.Value {
	results := make([]reflect.Value, len(out))
	for i, t := range out {
		results[i] = reflect.Zero(t)
	}
	results[len(out)-1] = reflect.ValueOf(err)
	return results
}
