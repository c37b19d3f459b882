package settings

import (
	"slices"
	"strings"
	"unicode"
)

// Setting is a row of the table.
type Setting struct {
	Name    string // as in the file, with its section: ssh.idleTimeout
	Meaning string // paragraphs; the first sentence is the help of the flag
	Default string // as in the file; "": none
	Reload  bool   // a reload applies a change; else it takes a restart
	Usual   bool   // its flag is common, and so listed in the help

	flag    string   // without dashes; "": made of the name
	least   string   // limit of a number, a duration or a size; "": none
	because string   // the reason for the limit: which git itself needs
	oneOf   []string // allowed words; none: any
	secret  bool     // paths, in whose place people put the content of the file
	paths   bool     // paths, which are relative to the file's folder if they are in the file
	sample  string   // its lines in the sample configuration; "": its default
	field   func(*Config) any
}

// section holds the settings of one mapping of the file.
type section struct {
	name     string // "": they stand at the top
	meaning  string
	settings []Setting
}

// sections returns every setting, in the order of the sample configuration.
func sections() []section {
	return []section{
		topSection, sshSection, httpSection, debugSection, metricsSection, tracesSection, eventsSection, notifySection, mirrorSection, clustersSection, keysSection, gitSection, driftSection,
		secretsSection, chartsSection, outgoingSection, renderSection, backupSection, auditSection, selfSection, logSection,
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

// find returns the setting with a name.
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

// wordsOf returns the words of a name, in lower case: ssh, idle, timeout for
// ssh.idleTimeout. They are the same for every way to write a name, so they find the
// setting that somebody means by ssh.idle_timeout.
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

// prefix is the prefix of all environment variables that are settings.
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
