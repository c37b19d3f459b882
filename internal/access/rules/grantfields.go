package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits of a grant.
const (
	maxGrantKinds  = 200 // of one list
	maxLabels      = 16  // of one selector
	mostObjects    = 1_000_000
	mostPushes     = 10_000
	longestRate    = 24 * time.Hour
	kindHint       = "write kinds as manifests do, with their group or without: Secret, Deployment.apps, '*.example.org'"
	namespacesHint = "write names with * for any letters, or labels: namespaces: [team-a, team-a-*, {matchLabels: {team: a}}]"
)

// namePattern matches patterns of names that are DNS labels.
var namePattern = regexp.MustCompile(`^[a-z0-9*?-]+$`)

// checkCluster and checkNamespace refuse patterns that fit no name. The errors read on from
// the quoted pattern.
func checkCluster(p pattern) error {
	if p != "**" && strings.Contains(string(p), "/") {
		return errors.New("fits no cluster's name")
	}
	return nil
}

func checkNamespace(p pattern) error {
	switch {
	case p == serversNamespace:
		return errors.New("is the server's own, which no grant gives")
	case !namePattern.MatchString(string(p)), p.IsLiteral() && len(validation.IsDNS1123Label(string(p))) > 0:
		return errors.New("fits no namespace's name")
	}
	return nil
}

// readNamespaces reads a list of patterns and selectors.
func readNamespaces(r *form.Reader, fields map[string]form.Field) (n grant.Namespaces) {
	f, given := fields["namespaces"]
	if !given {
		return n
	}
	n.Patterns = []glob.Pattern{}
	seen := map[string]bool{}
	once := func(element form.Field, text string) bool {
		if seen[text] {
			r.Add(element.Line, fmt.Sprintf("namespaces names %q twice", manifest.Clean(text)), "keep one of the two")
			return false
		}
		seen[text] = true
		return true
	}
	for _, element := range r.List(f, maxPatterns) {
		if element.Value.Kind == yaml.MappingNode {
			if s := readSelector(r, element); len(s) > 0 && once(element, s.String()) {
				n.Selectors = append(n.Selectors, s)
			}
			continue
		}
		text, ok := r.Text(element)
		if !ok || !once(element, text) {
			continue
		}
		p, err := glob.Parse(text)
		if err == nil {
			err = checkNamespace(p)
		}
		if err != nil {
			r.Add(element.Line, fmt.Sprintf("namespaces: %q %v", manifest.Clean(text), err), namespacesHint)
			continue
		}
		n.Patterns = append(n.Patterns, p)
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, "namespaces is empty: the grant would give none", "leave namespaces out for all but kube-*")
	}
	return n
}

// readSelector reads {matchLabels: {KEY: VALUE}}.
func readSelector(r *form.Reader, element form.Field) grant.Selector {
	fields := r.Fields(element.Value, "a selector of namespaces", []string{"matchLabels"})
	f, ok := fields["matchLabels"]
	if !ok {
		if len(fields) == len(element.Value.Content)/2 {
			r.Add(element.Line, "a selector of namespaces has no matchLabels", namespacesHint)
		}
		return nil
	}
	s := grant.Selector{}
	entries := r.Entries(f.Value, "matchLabels", namespacesHint)
	switch {
	case len(entries) > maxLabels:
		r.Add(f.Line, fmt.Sprintf("matchLabels has more than %d labels", maxLabels), "")
		return nil
	case len(entries) == 0 && f.Value.Kind == yaml.MappingNode && len(f.Value.Content) == 0:
		r.Add(f.Line, "matchLabels is empty: it would select every namespace", "name a label: {matchLabels: {team: a}}")
	}
	for _, entry := range entries {
		value, ok := r.Text(entry)
		switch {
		case !ok:
		case len(validation.IsQualifiedName(entry.Name)) > 0:
			r.Add(entry.Line, fmt.Sprintf("matchLabels: %q is no label's key", manifest.Clean(entry.Name)), "keys are as in metadata.labels: team, example.org/team")
		case len(validation.IsValidLabelValue(value)) > 0:
			r.Add(entry.Line, fmt.Sprintf("matchLabels: %q is no label's value", manifest.Clean(value)), "values are as in metadata.labels: up to 63 letters, digits, - _ and .")
		default:
			s[entry.Name] = value
		}
	}
	return s
}

// kindWord matches the name of a kind.
var kindWord = regexp.MustCompile(`^(\*|[A-Z][A-Za-z0-9]*)$`)

// isKind reports whether a text is a kind, with its group or without.
func isKind(text string) bool {
	kind, group, grouped := strings.Cut(text, ".")
	return len(kind) <= validation.DNS1123LabelMaxLength && kindWord.MatchString(kind) &&
		(!grouped || len(validation.IsDNS1123Subdomain(group)) == 0)
}

// readKinds reads a list of kinds; nil if it is not given.
func readKinds(r *form.Reader, fields map[string]form.Field, name string) []grant.Kind {
	f, given := fields[name]
	if !given {
		return nil
	}
	kinds := []grant.Kind{}
	for _, element := range r.Texts(f, maxGrantKinds) {
		switch text := element.Value.Value; {
		case !isKind(text):
			r.Add(element.Line, fmt.Sprintf("%s: %q is no kind", name, manifest.Clean(text)), kindHint)
		case name == "clusterScoped" && text == manifest.NamespaceKind.Kind:
			r.Add(element.Line, "clusterScoped: Namespaces are given by their names", "list the names, or patterns of them: namespaces: [team-a-*]")
		default:
			kinds = append(kinds, grant.Kind(text))
		}
	}
	return kinds
}

// readAllowed reads {allow: [...], deny: [...]}.
func readAllowed(r *form.Reader, fields map[string]form.Field) (k grant.Kinds) {
	f, given := fields["kinds"]
	if !given {
		return k
	}
	lists := r.Fields(f.Value, "kinds", []string{"allow", "deny"})
	k.Allow, k.Deny = readKinds(r, lists, "allow"), readKinds(r, lists, "deny")
	if allow, ok := lists["allow"]; ok && allow.Value.Kind == yaml.SequenceNode && len(allow.Value.Content) == 0 {
		r.Add(allow.Line, "allow is empty: no object could be deployed", "leave allow out for all kinds")
	}
	return k
}

func readPlain(r *form.Reader, fields map[string]form.Field) grant.Plain {
	f, given := fields["plainSecrets"]
	if !given {
		return grant.PlainAsAsked
	}
	if allowed, _ := r.Boolean(f); allowed {
		return grant.PlainAllowed
	}
	return grant.PlainRefused
}

func readMaxObjects(r *form.Reader, fields map[string]form.Field) int {
	f, given := fields["maxObjects"]
	if !given {
		return 0
	}
	text, ok := r.Text(f)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostObjects {
		r.Add(f.Line, fmt.Sprintf("maxObjects: %q is no number from 1 to %d", manifest.Clean(text), mostObjects), "write how many objects all apps of a repository may have: maxObjects: 500")
	}
	return n
}

// readRate reads PUSHES/DURATION.
func readRate(r *form.Reader, fields map[string]form.Field) (rate grant.Rate) {
	f, given := fields["rate"]
	if !given {
		return rate
	}
	text, ok := r.Text(f)
	if !ok {
		return rate
	}
	count, span, _ := strings.Cut(text, "/")
	pushes, err := strconv.Atoi(count)
	per, wrong := time.ParseDuration(span)
	if err != nil || wrong != nil || pushes < 1 || pushes > mostPushes || per < time.Second || per > longestRate {
		r.Add(f.Line, fmt.Sprintf("rate: %q is no rate", manifest.Clean(text)),
			fmt.Sprintf("write PUSHES/TIME, up to %d pushes in 1s to 24h: rate: 30/1h", mostPushes))
		return rate
	}
	return grant.Rate{Pushes: pushes, Per: per}
}

// nameHints say how to write the names of the server's keys and credentials.
var nameHints = map[string]string{
	"decryptionKeys": "write names of files of secrets.ageKeys and secrets.pgpKeys, entries of secrets.keys, or server for the key of" +
		" ssh HOST secrets recipient; a * at the end is any letters: decryptionKeys: [team-a.age]",
	"chartCredentials": "write addresses as charts.credentials has them; a * at the end is any letters: chartCredentials: ['oci://registry.example.org/team-a']",
}

// nameText matches the name of a key or of a credential.
var nameText = regexp.MustCompile(`^[^\s*\x00-\x1f\x7f]*\*?$`)

// maxNameText bounds it, in bytes.
const maxNameText = 500

// readNames reads a list of names of things of the server; without Given if it is not there.
func readNames(r *form.Reader, fields map[string]form.Field, name string) (names grant.Names) {
	f, given := fields[name]
	if !given {
		return names
	}
	names.Given = []grant.Name{}
	for _, element := range r.Texts(f, maxPatterns) {
		text := strings.TrimSuffix(element.Value.Value, "/")
		if text == "" || len(text) > maxNameText || !nameText.MatchString(text) {
			r.Add(element.Line, fmt.Sprintf("%s: %q is no name", name, manifest.Clean(element.Value.Value)), nameHints[name])
			continue
		}
		names.Given = append(names.Given, grant.Name(text))
	}
	return names
}

// placeOfNames is where a grant first names keys or credentials of the server.
func placeOfNames(fields map[string]form.Field) (at manifest.Source) {
	for _, name := range []string{"decryptionKeys", "chartCredentials"} {
		if f, given := fields[name]; given && (at.Line == 0 || f.Line < at.Line) {
			at = manifest.Source{File: reposFile, Line: f.Line}
		}
	}
	return at
}
