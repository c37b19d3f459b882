package settings

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestEverySettingIsInTheTable: each field of Config has one row, by which it is read.
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

// TestRowsAreSound: what a row says can be read, and its names are its own.
func TestRowsAreSound(t *testing.T) {
	flags := map[string]bool{"config": true, "help": true}
	for _, s := range Table() {
		var c Config
		for _, text := range []string{s.Default, s.least} {
			if text != "" && parseText(s.field(&c), text) != nil {
				t.Errorf("%s: %q is no %s", s.Name, text, s.Type())
			}
		}
		if flags[s.Flag()] {
			t.Errorf("%s: there is another flag --%s", s.Name, s.Flag())
		}
		flags[s.Flag()] = true
		if s.Brief() == "" || len(s.Brief()) > 120 || strings.Contains(s.Brief(), "\n") {
			t.Errorf("%s: the first sentence is no help of a flag: %q", s.Name, s.Brief())
		}
		if !strings.HasSuffix(s.Meaning, ".") {
			t.Errorf("%s: the meaning does not end a sentence", s.Name)
		}
		if ofService(s.Variable()) {
			t.Errorf("%s: in Kubernetes a Service called pushboat may make a variable %s", s.Name, s.Variable())
		}
	}
}

// TestSectionsHoldTheirSettings: the name of a section begins those of its settings.
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

// TestValuesAreWrittenAsTheyAreRead: of each type.
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
