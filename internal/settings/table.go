package settings

import (
	"slices"
	"strings"
	"unicode"
)

// Setting is a row of the table.
type Setting struct {
	Name    string // as the file has it, with its section: ssh.idleTimeout
	Meaning string // paragraphs; the first sentence is the help of the flag
	Default string // as the file has it; "": none
	Reload  bool   // a reload takes it up; else it takes a restart
	Usual   bool   // its flag is given often, and so stands in the help

	flag    string   // without dashes; "": made of the name
	least   string   // a bound of a number, a duration or a size; "": none
	because string   // of the bound: which git itself needs
	oneOf   []string // what it may be; none: anything
	secret  bool     // of files, in whose place people put what is in them
	paths   bool     // of files: those in the file start at its folder
	sample  string   // its lines in the sample configuration; "": its default
	field   func(*Config) any
}

// section is the settings of one mapping of the file.
type section struct {
	name     string // "": they stand at the top
	meaning  string
	settings []Setting
}

// sections has every setting, in the order of the sample configuration.
func sections() []section {
	return []section{
		topSection, sshSection, httpSection, debugSection, clustersSection, keysSection, gitSection, driftSection,
		secretsSection, chartsSection, outgoingSection, renderSection, logSection,
	}
}

// Table returns every setting.
func Table() []Setting {
	var all []Setting
	for _, s := range sections() {
		all = append(all, s.settings...)
	}
	return all
}

// find returns the setting of a name.
func find(name string) (Setting, bool) {
	all := Table()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return all[i], true
}

// Flag is the name of the setting's flag, without dashes.
func (s Setting) Flag() string {
	if s.flag != "" {
		return s.flag
	}
	return strings.Join(wordsOf(s.Name), "-")
}

// wordsOf are the words of a name, in small letters: ssh, idle, timeout of
// ssh.idleTimeout. As they go for any way to write a name, they find what somebody means
// by ssh.idle_timeout.
func wordsOf(name string) []string {
	var apart strings.Builder
	for _, r := range name {
		switch {
		case unicode.IsUpper(r):
			apart.WriteRune(' ')
			r = unicode.ToLower(r)
		case r == '.' || r == '_' || r == '-':
			r = ' '
		}
		apart.WriteRune(r)
	}
	return strings.Fields(apart.String())
}

// prefix begins the names of all variables of the environment that are settings.
const prefix = "PUSHBOAT_"

// Variable is the name of the setting's variable of the environment.
func (s Setting) Variable() string {
	return prefix + strings.ToUpper(strings.Join(wordsOf(s.Name), "_"))
}

// Brief is the first sentence of the meaning.
func (s Setting) Brief() string {
	brief, _, _ := strings.Cut(s.Meaning, ". ")
	brief, _, _ = strings.Cut(brief, ".\n")
	return strings.TrimSuffix(strings.ReplaceAll(brief, "\n", " "), ".")
}

// Type names the type of the setting's value.
func (s Setting) Type() string { return typeOf(s.field(&Config{})).name }

// Repeatable reports whether the flag may be given more than once.
func (s Setting) Repeatable() bool {
	switch s.field(&Config{}).(type) {
	case *[]string, *map[string]string, *map[string]Cluster:
		return true
	}
	return false
}

// last is the setting's name in its section.
func (s Setting) last() string { return s.Name[strings.LastIndexByte(s.Name, '.')+1:] }
