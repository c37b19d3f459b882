package settings

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Place is where a setting is given: a file, a variable, a flag.
type Place struct {
	Name string // path of the file, PUSHBOAT_…, --flag; "": not given
	Line int    // of the file; 0: not in a file
}

// String returns the place in the form in which errors begin with it.
func (p Place) String() string {
	if p.Line == 0 {
		return p.Name
	}
	return fmt.Sprintf("%s:%d", p.Name, p.Line)
}

// origins are the sources of a configuration's values.
type origins struct {
	places map[string]Place // by the names of settings, and of their entries: keys.admin/1
	wrong  []Problem        // in the file
}

// set notes where a setting is given. It drops earlier notes about its entries.
func (o *origins) set(name string, at Place) {
	if !strings.Contains(name, "/") {
		for entry := range o.places {
			if strings.HasPrefix(entry, name+"/") {
				delete(o.places, entry)
			}
		}
	}
	o.places[name] = at
}

// Origin returns the place where a setting, or an entry of it, is given (keys.admin/1:
// the first).
func (c Config) Origin(name string) Place {
	if at, known := c.origins.places[name]; known {
		return at
	}
	setting, _, isEntry := strings.Cut(name, "/")
	if isEntry {
		return c.origins.places[setting]
	}
	return Place{}
}

// Where says where a setting is given, for people.
func (c Config) Where(name string) string {
	if at := c.Origin(name); at.Name != "" {
		return at.String()
	}
	return "it is not given any more"
}

// Problem is one error in the settings.
type Problem struct {
	Place   Place
	Setting string // "": Message names it
	Message string
}

// Error implements error: PLACE: SETTING: MESSAGE.
func (p Problem) Error() string {
	parts := []string{p.Place.String(), p.Setting, p.Message}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// problems collects the errors in a configuration, so that the user sees all of them at
// once.
type problems struct {
	config *Config
	found  []Problem
}

// newProblems starts with the errors in the file.
func (c *Config) newProblems() *problems { return &problems{c, slices.Clone(c.origins.wrong)} }

// add notes an error, if there is one, of a setting or one of its entries.
func (p *problems) add(name string, err error) {
	if err != nil {
		setting, _, _ := strings.Cut(name, "/")
		p.found = append(p.found, Problem{p.config.Origin(name), setting, err.Error()})
	}
}

// when notes a problem of a setting if wrong is true.
func (p *problems) when(wrong bool, name, format string, args ...any) {
	if wrong {
		p.add(name, fmt.Errorf(format, args...))
	}
}

// incomplete notes that a setting lacks another one. It is none of one setting alone, so
// that ReadSections leaves it out.
func (p *problems) incomplete(name, message string) {
	p.found = append(p.found, Problem{p.config.Origin(name), "", message})
}

// has reports whether a setting has no value because of a problem.
func (p *problems) has(setting string) bool {
	return slices.ContainsFunc(p.found, func(found Problem) bool { return found.Setting == setting })
}

// err returns the problems as one error, which unwraps to them in the order of the
// file; nil if there are none.
func (p *problems) err() error {
	slices.SortStableFunc(p.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.Place.Line, 0)-cmp.Compare(a.Place.Line, 0), cmp.Compare(a.Place.Line, b.Place.Line))
	})
	errs := make([]error, len(p.found))
	for i, problem := range p.found {
		errs[i] = problem
	}
	return errors.Join(errs...)
}
