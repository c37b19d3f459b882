package main

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render"
)

// TestGuesses says once what was guessed for the same names in several namespaces.
func TestGuesses(t *testing.T) {
	from := func(namespace, name string) []appfile.ValuesFrom {
		return []appfile.ValuesFrom{{Kind: "Secret", Namespace: namespace, Name: name, File: "a.yaml", Line: 3}}
	}
	var none *guesses
	none.add(&render.Guess{})
	g := &guesses{}
	g.add(nil)
	g.add(&render.Guess{From: from("a", "vars"), Unknown: []string{"B"}})
	g.add(&render.Guess{From: from("b", "vars"), Unknown: []string{"A", "B"}, Default: []string{"C"}})
	g.add(&render.Guess{From: from("b", "vars"), Default: []string{"A"}})
	g.add(&render.Guess{From: from("a", "other"), Default: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}})
	var b strings.Builder
	g.tell(&b)
	want := "a.yaml:3: Secret vars in 2 namespaces not read: A, B are unknown; C has its default\nhint: give a value: --substitute A=VALUE\n" +
		"a.yaml:3: Secret a/other not read: 1, 2, 3, 4, 5, 6, 7, 8 and 1 more have their defaults\nhint: give a value: --substitute 1=VALUE\n"
	if b.String() != want {
		t.Errorf("%s, want\n%s", b.String(), want)
	}
}
