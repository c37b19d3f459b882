package settings

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestEverySettingIsInTheTable: each field of Config has exactly one row, through which it
// is read.
func TestEverySettingIsInTheTable(t *testing.T) {
	var c Config
	rows := map[any]string{}
	for _, s := range Table() {
		field := s.field(&c)
		if other, twice := rows[field]; twice {
			t.Errorf("%s and %s set the same field", s.Name, other)
		}
		rows[field] = s.Name
	}
	var look func(value reflect.Value, name string)
	look = func(value reflect.Value, name string) {
		for field, of := range value.Fields() {
			switch {
			case !field.IsExported():
			case of.Kind() == reflect.Struct:
				look(of, name+field.Name+".")
			case rows[of.Addr().Interface()] == "":
				t.Errorf("no row of the table sets %s%s", name, field.Name)
			}
		}
	}
	look(reflect.ValueOf(&c).Elem(), "")
	if len(rows) < 30 {
		t.Errorf("the table has %d rows: this test compares too little", len(rows))
	}
}

// isName matches names in the form that all of Pushboat's files use.
var isName = regexp.MustCompile(`^([a-z]+\.)?[a-z]+([A-Z][a-z]+)*$`)

// TestNamesOfFlagsAndVariables: the names are made from the words of the setting's name.
func TestNamesOfFlagsAndVariables(t *testing.T) {
	for name, want := range map[string][2]string{
		"data":                      {"data", "PUSHBOAT_DATA"},
		"ssh.advertise":             {"ssh-advertise", "PUSHBOAT_SSH_ADVERTISE"},
		"git.maxCpuTime":            {"git-max-cpu-time", "PUSHBOAT_GIT_MAX_CPU_TIME"},
		"ssh.maxStartupsPerAddress": {"ssh-max-startups-per-address", "PUSHBOAT_SSH_MAX_STARTUPS_PER_ADDRESS"},
	} {
		setting, ok := find(name)
		if got := [2]string{setting.Flag(), setting.Variable()}; !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestOtherSpellingsAreFound: a name in the form of a flag, or of other programs, gives
// an error with the right form.
func TestOtherSpellingsAreFound(t *testing.T) {
	for _, test := range []struct{ name, within, want string }{
		{"idle_timeout", "ssh", "ssh.idleTimeout"},
		{"max_startups_per_address", "ssh", "ssh.maxStartupsPerAddress"},
		{"max-cpu-time", "git", "git.maxCpuTime"},
		{"idle_timeout", "", "ssh.idleTimeout"},
		{"ssh-idle-timeout", "", "ssh.idleTimeout"},
		{"idleTimout", "ssh", "ssh.idleTimeout"},
		{"fruit", "ssh", ""},
	} {
		if got := nearest(test.name, test.within); got != test.want {
			t.Errorf("%q within %q: %q, want %q", test.name, test.within, got, test.want)
		}
	}
}

// TestRowsAreSound: the values of a row can be parsed, and its names are unique.
func TestRowsAreSound(t *testing.T) {
	flags := map[string]bool{"config": true, "help": true}
	for _, s := range Table() {
		var c Config
		for _, text := range []string{s.Default, s.least} {
			if text != "" && parseText(s.field(&c), text) != nil {
				t.Errorf("%s: %q is not a valid %s", s.Name, text, s.Type())
			}
		}
		if flags[s.Flag()] {
			t.Errorf("%s: there is another flag --%s", s.Name, s.Flag())
		}
		flags[s.Flag()] = true
		if s.Brief() == "" || len(s.Brief()) > 120 || strings.Contains(s.Brief(), "\n") {
			t.Errorf("%s: the first sentence is no good help for a flag: %q", s.Name, s.Brief())
		}
		if !isName.MatchString(s.Name) {
			t.Errorf("%s: the name is not in camelCase", s.Name)
		}
		if !strings.HasSuffix(s.Meaning, ".") {
			t.Errorf("%s: the meaning does not end a sentence", s.Name)
		}
		if ofService(s.Variable()) {
			t.Errorf("%s: in Kubernetes a Service called pushboat may make a variable %s", s.Name, s.Variable())
		}
	}
}

// TestSectionsHoldTheirSettings: the name of a section is the prefix of its settings'
// names.
func TestSectionsHoldTheirSettings(t *testing.T) {
	for _, section := range sections() {
		for _, s := range section.settings {
			name, _, found := strings.Cut(s.Name, ".")
			if found != (section.name != "") || found && name != section.name {
				t.Errorf("%s stands in the section %q", s.Name, section.name)
			}
		}
	}
}

// TestValuesAreWrittenAsTheyAreRead tries each type.
func TestValuesAreWrittenAsTheyAreRead(t *testing.T) {
	for _, tt := range []struct {
		field any
		want  string
	}{
		{new("plain"), "plain"},
		{new(":2222"), `":2222"`},
		{new(""), `""`},
		{new("-"), `"-"`},
		{new(7), "7"},
		{new(10 * time.Minute), "10m"},
		{new(90 * time.Minute), "1h30m"},
		{new(2 * time.Hour), "2h"},
		{new(Size(512 << 20)), "512Mi"},
		{new(Size(0)), `""`},
		{&[]string{"a", "b*"}, `[a, "b*"]`},
		{&map[string]string{"b": "x", "a": "y"}, "{a: y, b: x}"},
		{&map[string]Cluster{"prod": {Kubeconfig: "/p"}}, "{prod: {kubeconfig: /p}}"},
	} {
		if got := format(tt.field); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
