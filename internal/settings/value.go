package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Size is a number of bytes, written as Kubernetes writes them: 512Mi.
type Size int64

// String writes the size in the form in which it is read.
func (s Size) String() string { return resource.NewQuantity(int64(s), resource.BinarySI).String() }

// kind is the name of a type, and the form of its values.
type kind struct {
	name string
	wish string // completes "write …"
}

func typeOf(field any) kind {
	switch field.(type) {
	case *int:
		return kind{"number", "5 or 1024"}
	case *time.Duration:
		return kind{"duration", "90s, 5m or 1h30m"}
	case *Size:
		return kind{"size", "512Mi or 1Gi"}
	case *[]string:
		return kind{"list", "[one, two]"}
	case *map[string]string:
		return kind{"mapping", "{name: value}"}
	case *map[string]Cluster:
		return kind{"mapping", "{name: {kubeconfig: FILE}}"}
	}
	return kind{"text", "one word, or \"in quotes\""}
}

// errValue is the error for a value that cannot be read. It does not repeat the value:
// people put tokens and keys where a number or a list belongs.
func errValue(field any) error {
	of := typeOf(field)
	return fmt.Errorf("the value is no %s; write %s", of.name, of.wish)
}

// parse sets a field to a value from the environment or a flag: one text, or for lists
// and mappings any number.
func parse(field any, given []string) error {
	switch into := field.(type) {
	case *[]string:
		*into = given
		return nil
	case *map[string]string:
		pairs, err := parsePairs(given)
		*into = pairs
		return err
	case *map[string]Cluster:
		pairs, err := parsePairs(given)
		*into = map[string]Cluster{}
		for name, file := range pairs {
			(*into)[name] = Cluster{Kubeconfig: file}
		}
		return err
	}
	return parseText(field, given[len(given)-1]) // the last of repeated flags counts
}

func parsePairs(given []string) (map[string]string, error) {
	pairs := map[string]string{}
	for i, text := range given {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return pairs, fmt.Errorf("entry %d is not NAME=VALUE", i+1)
		}
		if _, twice := pairs[name]; twice {
			return pairs, fmt.Errorf("entry %d has the name of another one", i+1)
		}
		pairs[name] = value
	}
	return pairs, nil
}

// parseText sets a field that has one value.
func parseText(field any, text string) (err error) {
	switch into := field.(type) {
	case *string:
		*into = text
		return nil
	case *int:
		*into, err = strconv.Atoi(text)
	case *time.Duration:
		*into, err = time.ParseDuration(text)
	case *Size:
		var quantity resource.Quantity
		if quantity, err = resource.ParseQuantity(text); err == nil && quantity.Value() <= 0 {
			err = errors.New("a size is not negative")
		}
		*into = Size(quantity.Value())
	default:
		err = errors.New("it has more than one value")
	}
	if err != nil {
		return errValue(field)
	}
	return nil
}

// errCluster is the error for a malformed entry of clusters.
var errCluster = errors.New("a cluster has the settings kubeconfig, labels and annotations: {name: {kubeconfig: FILE, labels: {region: eu}}}")

// decode sets a field to a value of the file, and notes the lines of its entries.
func decode(field any, node *yaml.Node, note func(entry string, line int)) error {
	if node = resolved(node); isNull(node) {
		return nil
	}
	switch into := field.(type) {
	case *[]string:
		if node.Kind != yaml.SequenceNode {
			return errValue(field)
		}
		for i, entry := range node.Content {
			if entry = resolved(entry); entry.Kind != yaml.ScalarNode {
				return errValue(field)
			}
			*into = append(*into, entry.Value)
			note(strconv.Itoa(i+1), entry.Line)
		}
		return nil
	case *map[string]string:
		*into = map[string]string{}
		return eachEntry(node, errValue(field), func(name string, value *yaml.Node) error {
			note(name, value.Line)
			(*into)[name] = value.Value
			if value.Kind != yaml.ScalarNode {
				return errValue(field)
			}
			return nil
		})
	case *map[string]Cluster:
		*into = map[string]Cluster{}
		return eachEntry(node, errValue(field), func(name string, value *yaml.Node) error {
			note(name, value.Line)
			var cluster Cluster
			err := decodeCluster(&cluster, value)
			(*into)[name] = cluster
			return err
		})
	}
	if node.Kind != yaml.ScalarNode {
		return errValue(field)
	}
	return parseText(field, node.Value)
}

func decodeCluster(cluster *Cluster, node *yaml.Node) error {
	if isNull(node) {
		return nil
	}
	return eachEntry(node, errCluster, func(name string, value *yaml.Node) error {
		switch {
		case isNull(value) && (name == "kubeconfig" || name == "labels" || name == "annotations"):
			return nil
		case name == "labels":
			return decodeLabels(cluster, value)
		case name == "annotations":
			return decodeAnnotations(cluster, value)
		case name != "kubeconfig" || value.Kind != yaml.ScalarNode:
			return errCluster
		}
		cluster.Kubeconfig = value.Value
		return nil
	})
}

// errLabel is the error for labels that Kubernetes would not take.
var errLabel = errors.New("labels of a cluster are as in Kubernetes: {region: eu}, of letters, digits, - _ . with an optional domain/ before the key")

func decodeLabels(cluster *Cluster, node *yaml.Node) error {
	cluster.Labels = map[string]string{}
	return eachEntry(node, errCluster, func(key string, value *yaml.Node) error {
		if value.Kind != yaml.ScalarNode || len(validation.IsQualifiedName(key)) > 0 || len(validation.IsValidLabelValue(value.Value)) > 0 {
			return errLabel
		}
		cluster.Labels[key] = value.Value
		return nil
	})
}

// errAnnotation is the error for annotations that a cluster may not have.
var errAnnotation = fmt.Errorf("annotations of a cluster are like {addons_repo_url: https://…}, with keys as in Kubernetes, and values of one line of at most %d bytes", manifest.MaxAnnotation)

func decodeAnnotations(cluster *Cluster, node *yaml.Node) error {
	cluster.Annotations = map[string]string{}
	return eachEntry(node, errCluster, func(key string, value *yaml.Node) error {
		if value.Kind != yaml.ScalarNode || !manifest.IsAnnotation(key, value.Value) {
			return errAnnotation
		}
		cluster.Annotations[key] = value.Value
		return nil
	})
}

// eachEntry calls do with each entry of a mapping; wrong is the error if it is not a
// mapping.
func eachEntry(node *yaml.Node, wrong error, do func(name string, value *yaml.Node) error) error {
	if node.Kind != yaml.MappingNode {
		return wrong
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := resolved(node.Content[i]), resolved(node.Content[i+1])
		if name.Kind != yaml.ScalarNode {
			return wrong
		}
		if line, twice := seen[name.Value]; twice {
			return fmt.Errorf("an entry on line %d has the same name as one on line %d", name.Line, line)
		}
		seen[name.Value] = name.Line
		if err := do(name.Value, value); err != nil {
			return err
		}
	}
	return nil
}

// resolved follows an alias. Each alias is followed on its own, and no value of a
// setting is deeper than three levels.
func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// format writes a value on one line of YAML.
func format(field any) string {
	switch value := field.(type) {
	case *string:
		return quoted(*value)
	case *int:
		return strconv.Itoa(*value)
	case *time.Duration:
		return short(*value)
	case *Size:
		if *value == 0 {
			return `""`
		}
		return value.String()
	case *[]string:
		entries := make([]string, len(*value))
		for i, entry := range *value {
			entries[i] = quoted(entry)
		}
		return "[" + strings.Join(entries, ", ") + "]"
	case *map[string]string:
		return formatPairs(*value, quoted)
	case *map[string]Cluster:
		return formatPairs(*value, func(c Cluster) string {
			text := "{kubeconfig: " + quoted(c.Kubeconfig)
			if len(c.Labels) > 0 {
				text += ", labels: " + formatPairs(c.Labels, quoted)
			}
			if len(c.Annotations) > 0 {
				text += ", annotations: " + formatPairs(c.Annotations, quoted)
			}
			return text + "}"
		})
	}
	return ""
}

func formatPairs[T any](pairs map[string]T, write func(T) string) string {
	entries := make([]string, 0, len(pairs))
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		entries = append(entries, quoted(name)+": "+write(pairs[name]))
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// quoted writes a text as YAML between brackets, in quotes if it needs them.
func quoted(text string) string {
	for _, r := range text {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-", r) {
			return strconv.Quote(text)
		}
	}
	if text == "" || text[0] == '-' || !strings.ContainsAny(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return strconv.Quote(text)
	}
	return text
}

// short writes a duration without zero parts: 10m, not 10m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
