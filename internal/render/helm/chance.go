package helm

import (
	"reflect"
	"slices"
	"text/template"
	"time"
	_ "time/tzdata" // dateInZone: a worker has no files of time zones

	"github.com/Masterminds/sprig/v3"
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
	for _, name := range chanceFunctions {
		if f, ok := all[name]; ok {
			functions[name] = c.noted(name, f)
		}
	}
	return functions
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
