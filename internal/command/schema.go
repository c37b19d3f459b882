package command

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// schemaHelp explains the verb schema.
var schemaHelp = "FILE may also be one with rules: " + strings.Join(rules.Files[:3], ", ") + ",\n" +
	strings.Join(rules.Files[3:6], ", ") + ",\n" + strings.Join(rules.Files[6:9], ", ") + ",\n" + strings.Join(rules.Files[9:], ", ") + ".\n" +
	"Of a verb, it is the schema of what it prints with -o json: schema cluster list.\n" +
	"Keys are only ever added to it, so programs can rely on those that it has.\n" +
	"Example: ssh HOST schema > pushboat.schema.json, and as the first line of\n" +
	"pushboat.yaml: # yaml-language-server: $schema=pushboat.schema.json"

// schemas has a file for each verb with -o json. A test makes them of the types that verbs
// print, and holds them to each other.
//
//go:embed schemas
var schemas embed.FS

// schemaFile is the name of a verb's file in schemas.
func schemaFile(words string) string { return strings.ReplaceAll(words, " ", "-") + ".json" }

// schema prints the JSON schema of a file, pushboat.yaml or one with the server's rules, or
// of what a verb prints.
func schema(_ context.Context, c *call) error {
	text, err := schemaNamed(strings.Join(c.args, " "))
	if err != nil {
		return err
	}
	_, err = c.Write(text)
	return err
}

// Schema returns the JSON schema of what a verb prints with -o json, which is an object; ok is
// false if it prints none.
func Schema(words string) (text []byte, ok bool) {
	text, err := schemas.ReadFile("schemas/" + schemaFile(words))
	return text, err == nil
}

// schemaNamed returns the schema of a file or a verb; "" is pushboat.yaml.
func schemaNamed(words string) ([]byte, error) {
	if words == "" || words == appfile.Name {
		return appfile.Schema(), nil
	}
	if text, ok := rules.Schema(words); ok {
		return text, nil
	}
	names := append([]string{appfile.Name}, rules.Files...)
	hint := "there are those of " + strings.Join(names, ", ") + ",\nand of the verbs with -o json: ssh HOST help"
	for _, v := range verbs() {
		switch {
		case v.hasOutput() && v.words == words:
			return schemas.ReadFile("schemas/" + schemaFile(words))
		case v.hasOutput():
			names = append(names, v.words)
		case v.words == words:
			return nil, report.WithHint(fmt.Errorf("the verb %s has no -o json, and so no schema", words), "see what it prints: ssh HOST help %s", words)
		}
	}
	if near := manifest.Closest(words, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, report.WithHint(fmt.Errorf("there is no schema of %q", manifest.Clean(words)), "%s", hint)
}

// hasOutput reports whether the verb has the flag -o.
func (v *verb) hasOutput() bool { return v.flagSet().Lookup("output") != nil }

// flagSet returns the verb's own flags.
func (v *verb) flagSet() *pflag.FlagSet {
	flags := pflag.NewFlagSet(v.words, pflag.ContinueOnError)
	if v.flags != nil {
		v.flags(flags)
	}
	return flags
}
