package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// newSBOM prints the parts of programs: a bill of materials in the format of CycloneDX
// 1.6.
func newSBOM(b build) *cobra.Command {
	return &cobra.Command{
		Use:   "sbom [PROGRAM...]",
		Short: "Print this program's modules, as a CycloneDX bill of materials",
		Long: "Print the modules of this program, or of other programs in Go, with version and\n" +
			"content digest, as a bill of materials in CycloneDX's JSON. The data comes\n" +
			"from the programs themselves.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				self, err := os.Executable()
				if err != nil {
					return fmt.Errorf("find the running program: %w", err)
				}
				args = []string{self}
			}
			bill := newBill(b)
			for _, file := range args {
				info, err := buildinfo.ReadFile(file)
				if err != nil {
					return fmt.Errorf("read the modules of %q: %w", file, err)
				}
				bill.add(filepath.Base(file), info)
			}
			return bill.write(cmd.OutOrStdout())
		},
	}
}

// bill is a bill of materials; see https://cyclonedx.org/docs/1.6/json/.
type bill struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp,omitempty"` // of the commit, so that the same commit has the same bill
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

func newBill(b build) *bill {
	whole := component{Type: "application", Name: "pushboat", Version: b.version, Ref: "pushboat"}
	return &bill{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata:     metadata{Timestamp: b.date, Component: whole},
		Dependencies: []dependency{{Ref: whole.Ref}},
	}
}

// add lists a program and its modules.
func (b *bill) add(name string, info *debug.BuildInfo) {
	program := component{Type: "application", Name: name, Version: b.Metadata.Component.Version, Ref: "program/" + name}
	needs := dependency{Ref: program.Ref}
	modules := []component{golang("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules = append(modules, golang(module.Path, module.Version, module.Sum))
	}
	for _, module := range modules {
		needs.DependsOn = append(needs.DependsOn, module.Ref)
		if !slices.ContainsFunc(b.Components, func(known component) bool { return known.Ref == module.Ref }) {
			b.Components = append(b.Components, module)
		}
	}
	b.Components = append(b.Components, program)
	b.Dependencies[0].DependsOn = append(b.Dependencies[0].DependsOn, program.Ref)
	b.Dependencies = append(b.Dependencies, needs)
}

// golang is a Go module, by its package URL. sum is its line in go.sum: h1: and the
// SHA-256 of the list of its files in base64.
func golang(module, version, sum string) component {
	purl := "pkg:golang/" + module + "@" + strings.ReplaceAll(version, "+", "%2B")
	c := component{Type: "library", Ref: purl, Name: module, Version: version, PURL: purl}
	if digest, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && len(digest) > 0 {
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(digest)}}
	}
	return c
}

// write writes the bill with its parts in the order of their names.
func (b *bill) write(w io.Writer) error {
	slices.SortFunc(b.Components, func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })
	for _, d := range b.Dependencies {
		slices.Sort(d.DependsOn)
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return fmt.Errorf("write the bill of materials: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
