package main

import (
	"bytes"
	"encoding/json"
	"runtime/debug"
	"strings"
	"testing"
)

// TestBillHasEveryModuleOnce: a bill lists each module once, even if several programs use
// it, sorted by name.
func TestBillHasEveryModuleOnce(t *testing.T) {
	sum := "h1:" + strings.Repeat("A", 43) + "="
	one := &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "example.org/z", Version: "v1.0.0", Sum: sum},
		{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/a", Version: "v2.0.0+incompatible"}},
	}}
	two := &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{{Path: "example.org/z", Version: "v1.0.0", Sum: sum}}}
	b := newBill(build{version: "v1.2.3", date: "2026-11-28T12:00:00Z"})
	b.add("pushboat", one)
	b.add("pushboat-hook", two)
	var text bytes.Buffer
	if err := b.write(&text); err != nil {
		t.Fatal(err)
	}
	var read bill
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, c := range read.Components {
		refs = append(refs, c.Ref)
	}
	want := "pkg:golang/example.org/a@v2.0.0%2Bincompatible pkg:golang/example.org/z@v1.0.0 pkg:golang/std@1.26.8 program/pushboat program/pushboat-hook"
	if got := strings.Join(refs, " "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if h := read.Components[1].Hashes; len(h) != 1 || h[0].Content != strings.Repeat("00", 32) {
		t.Errorf("the hash of z is %v", h)
	}
	if of := read.Dependencies; len(of) != 3 || len(of[0].DependsOn) != 2 || len(of[1].DependsOn) != 3 || len(of[2].DependsOn) != 2 {
		t.Errorf("the dependencies are %v", of)
	}
}
