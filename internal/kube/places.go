package kube

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Places returns the places in an object that the API server refuses, each as the names
// of fields from the root; elements of a list have no names. A field that contradicts
// another stands beside it. So a place is the parent of the refused field, but never
// the spec as a whole. There are none if the object was refused for anything but its
// fields, or because a field cannot change.
func Places(err error) [][]string {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) || IsImmutable(err) {
		return nil
	}
	var places [][]string
	for _, cause := range causesOf(status.Status()) {
		if m := ofData.FindStringSubmatch(cause.field); m != nil {
			places = append(places, []string{"data", m[1]}, []string{"binaryData", m[1]})
			continue
		}
		place := placeOf(cause.field)
		if place == nil {
			continue
		}
		places = append(places, place)
		if len(place) == 2 {
			places = append(places, named(place, cause.detail)...)
		}
	}
	return places
}

// ofData matches a key of a ConfigMap's data, which may stand in one of two fields.
var ofData = regexp.MustCompile(`^(?:data|binaryData)\[(.+)\]$`)

// fieldName matches words in a sentence that may be the name of a field.
var fieldName = regexp.MustCompile(`[a-z]+(?:[A-Z]+[a-z]*)+`)

// named returns the fields beside a field of the spec that the API server's message
// about it names: "must be greater than minReadySeconds".
func named(place []string, detail string) [][]string {
	var places [][]string
	for _, name := range fieldName.FindAllString(shorten(detail, maxMessage), maxNamed) {
		if name != place[1] {
			places = append(places, []string{place[0], name})
		}
	}
	return places
}

// maxNamed bounds the names that are read from one cause.
const maxNamed = 10

// placeOf turns a field, such as spec.ports[1].name, into its place: spec, ports.
func placeOf(field string) []string {
	inList := strings.HasSuffix(field, "]")
	var names []string
	for step := range strings.SplitSeq(withoutBrackets(field), ".") {
		if step != "" {
			names = append(names, step)
		}
	}
	switch {
	case len(names) < 2 || names[0] == "metadata":
		return nil
	case inList || len(names) == 2:
		return names
	}
	return names[:len(names)-1]
}

// withoutBrackets removes text in brackets: the indexes of lists, and the keys of maps,
// which may contain dots.
func withoutBrackets(field string) string {
	var text strings.Builder
	for field != "" {
		before, rest, _ := strings.Cut(field, "[")
		text.WriteString(before)
		_, field, _ = strings.Cut(rest, "]")
	}
	return text.String()
}

// Succeeds reports whether Pushboat replaces a field manager: another tool that
// deploys.
func Succeeds(manager string) bool { return predecessors[manager] }
