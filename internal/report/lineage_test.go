package report

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

func TestLineages(t *testing.T) {
	at := func(file string, line int) manifest.Source { return manifest.Source{File: file, Line: line} }
	tree := []Lineage{
		{App: "fleet", Object: "Kustomization flux-system/flux-system", Source: at("sync.yaml", 3)},
		{App: "podinfo", Depth: 1, Parent: "fleet", Object: "Kustomization flux-system/podinfo", Source: at("apps/podinfo.yaml", 1), Inherited: []manifest.Source{at("kustomization.yaml", 12), at("b.yaml", 0)}},
		{App: "color", Depth: 2, Parent: "podinfo", Object: "HelmRelease a/color", Source: at("x\x1b.yaml", 1)},
	}
	var out strings.Builder
	WriteLineages(&out, tree)
	want := `apps by the objects that mean them, each below the one that makes it:
  fleet  (Kustomization sync.yaml:3)
    podinfo  (Kustomization apps/podinfo.yaml:1, changed at kustomization.yaml:12, b.yaml)
      color  (HelmRelease x\x1b.yaml:1)
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
	if got, want := tree[1].Outlined().words(), "Kustomization flux-system/podinfo, apps/podinfo.yaml:1, made by fleet, changed at kustomization.yaml:12, b.yaml"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (Lineage{App: "whole"}).Outlined(); got != nil {
		t.Errorf("an app of no object: %+v", got)
	}
}

func TestLineagesAreBounded(t *testing.T) {
	tree := make([]Lineage, maxLineages+2000)
	for i := range tree {
		tree[i] = Lineage{App: name.App("a")}
	}
	var out strings.Builder
	WriteLineages(&out, tree)
	if got := out.String(); strings.Count(got, "\n") != maxLineages+2 || !strings.HasSuffix(got, "  ... and 2000 more\n") {
		t.Errorf("%d lines:\n%s", strings.Count(got, "\n"), got)
	}
	out.Reset()
	if WriteLineages(&out, nil); out.Len() > 0 {
		t.Errorf("of nothing: %q", out.String())
	}
}
