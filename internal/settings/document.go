package settings

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// sampleHead is the beginning of the sample configuration.
const sampleHead = `# Pushboat's server configuration: every setting, with its default unless it
# says otherwise. Start the server with it:
#
#     pushboat serve --config config/pushboat.yaml
#
# Each setting has a flag and a variable of the environment as well; a flag wins
# over the environment, that over this file. Unknown settings are errors. Relative
# paths start at this file. Whatever is named here (key files, kubeconfigs,
# certificates, credentials) is tried at the start, and all mistakes are said at
# once; so does pushboat config check FILE. SIGHUP has the server take up what can
# be: docs/configuration.md says of each setting whether it can.
# Durations are written like 90s, 5m or 1h30m; sizes like 512Mi or 1Gi.
`

// width is the longest line of comments in the sample, without its indentation.
const width = 78

// WriteSample writes a configuration with every setting and its meaning: the content of
// config/pushboat.yaml.
func WriteSample(w io.Writer) error {
	var b strings.Builder
	b.WriteString(sampleHead)
	for _, s := range sections() {
		indent := ""
		if s.name != "" {
			b.WriteString("\n")
			comment(&b, "", s.meaning)
			b.WriteString(s.name + ":\n")
			indent = "  "
		}
		for i, setting := range s.settings {
			if i > 0 || s.name == "" || s.meaning != "" {
				b.WriteString("\n")
			}
			setting.writeSample(&b, indent)
		}
	}
	_, err := io.WriteString(w, strings.ReplaceAll(b.String(), ":\n\n", ":\n"))
	return err
}

func (s Setting) writeSample(b *strings.Builder, indent string) {
	comment(b, indent, s.Meaning)
	lines := s.sample
	if lines == "" {
		value := defaults()
		lines = s.last() + ": " + format(s.field(&value))
	}
	for line := range strings.Lines(lines + "\n") {
		b.WriteString(indent + line)
	}
}

// comment writes paragraphs as comments.
func comment(b *strings.Builder, indent, text string) {
	if text == "" {
		return
	}
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString(indent + "#\n")
		}
		for _, line := range wrap(paragraph, width-len(indent)-2) {
			b.WriteString(indent + "# " + line + "\n")
		}
	}
}

// wrap breaks a paragraph into lines. An indented one stays as it is.
func wrap(paragraph string, width int) []string {
	if strings.HasPrefix(paragraph, "    ") {
		return strings.Split(paragraph, "\n")
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(paragraph) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// WriteMarkdown writes the reference of all settings, for docs/configuration.md.
func WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	for _, s := range sections() {
		title := s.name
		if title == "" {
			title = names(s.settings)
		}
		fmt.Fprintf(&b, "### %s\n\n", title)
		if s.meaning != "" {
			b.WriteString(strings.Join(wrap(s.meaning, width), "\n") + "\n\n")
		}
		for _, setting := range s.settings {
			setting.writeMarkdown(&b)
		}
	}
	_, err := io.WriteString(w, strings.TrimSuffix(b.String(), "\n"))
	return err
}

func names(settings []Setting) string {
	all := make([]string, len(settings))
	for i, s := range settings {
		all[i] = s.Name
	}
	return strings.Join(all, ", ")
}

func (s Setting) writeMarkdown(b *strings.Builder) {
	fmt.Fprintf(b, "#### `%s`\n\n", s.Name)
	fmt.Fprintf(b, "%s%s; %s. `--%s`, `%s`\n\n", s.Type(), s.bounds(), s.taken(), s.Flag(), s.Variable())
	for paragraph := range strings.SplitSeq(s.Meaning, "\n\n") {
		b.WriteString(strings.Join(wrap(paragraph, width), "\n") + "\n\n")
	}
}

// bounds returns the default of a setting and its limits.
func (s Setting) bounds() string {
	text := ""
	if s.Default != "" {
		text += ", default `" + s.Default + "`"
	}
	if s.least != "" {
		text += ", at least `" + s.least + "`"
	}
	return text
}

// taken says how a change of the setting takes effect.
func (s Setting) taken() string {
	if s.Reload {
		return "a reload takes it up"
	}
	return "takes a restart"
}

// WriteTable writes one line for each setting, for a terminal.
func WriteTable(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "SETTING\tTYPE\tDEFAULT\tTAKEN UP BY\tFLAG")
	for _, s := range Table() {
		by := "restart"
		if s.Reload {
			by = "reload"
		}
		value := s.Default
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t--%s\n", s.Name, s.Type(), value, by, s.Flag())
	}
	return columns.Flush()
}

// WriteValues writes the value of every setting and its source, as lines of YAML. It
// does not show a value that may be a secret in place of the path of its file.
func (c Config) WriteValues(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range Table() {
		from := "default"
		if at := c.Origin(s.Name); at.Name != "" {
			from = at.String()
		}
		value := format(s.field(&c))
		if s.secret && !s.namesFiles(&c) {
			value, from = "not shown", from+", which names a file that is not there"
		}
		fmt.Fprintf(columns, "%s: %s\t# %s\n", s.Name, value, from)
	}
	return columns.Flush()
}

// namesFiles reports whether every path of a setting exists.
func (s Setting) namesFiles(c *Config) bool {
	var paths []string
	switch value := s.field(c).(type) {
	case *string:
		paths = slices.DeleteFunc([]string{*value}, func(path string) bool { return path == "" })
	case *[]string:
		paths = *value
	case *map[string]string:
		paths = slices.Collect(maps.Values(*value))
	}
	return !slices.ContainsFunc(paths, func(path string) bool {
		_, err := os.Stat(path)
		return err != nil
	})
}
