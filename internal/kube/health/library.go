package health

import (
	_ "embed" // the library
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

//go:embed library.yaml
var libraryText []byte

// shipped is an entry of the library: a rule for several kinds.
type shipped struct {
	Rule  `json:",inline"`
	Kinds []string `json:"kinds"`

	compiled func() *judge
}

// library reads the library on first use. Each of its entries is compiled when an
// object of its kinds comes.
var library = sync.OnceValues(func() ([]*shipped, error) {
	var entries []*shipped
	if err := yaml.UnmarshalStrict(libraryText, &entries); err != nil {
		return nil, fmt.Errorf("read the library of health rules: %w", err)
	}
	for _, entry := range entries {
		entry.compiled = sync.OnceValue(entry.compile)
	}
	return entries, nil
})

// compile returns nil for an entry that does not compile, so that the conventions apply
// to its kinds. The tests make sure that there is none.
func (s *shipped) compile() *judge {
	rules, problems := NewCompiler().Compile([]Rule{s.Rule})
	if len(problems) > 0 {
		return nil
	}
	return rules.judges[0]
}

// fits returns how well an entry fits a kind: 0 not at all; the whole group before its
// ending, and the kind before any kind.
func (s *shipped) fits(gk schema.GroupKind) int {
	var score int
	switch ending, wild := strings.CutPrefix(s.Group, "*"); {
	case s.Group == gk.Group:
		score = 3
	case wild && strings.HasSuffix(gk.Group, ending):
		score = 1
	default:
		return 0
	}
	switch {
	case slices.Contains(s.Kinds, gk.Kind):
		return score + 1
	case slices.Contains(s.Kinds, "*"):
		return score
	}
	return 0
}

// chosen remembers the entry for a kind; the number of kinds is limited.
var chosen sync.Map // of schema.GroupKind, *shipped or nil

// fromLibrary returns the library's rule for a kind; nil if it has none.
func fromLibrary(gk schema.GroupKind) *judge {
	found, known := chosen.Load(gk)
	if !known {
		found = choose(gk)
		chosen.Store(gk, found)
	}
	if entry, _ := found.(*shipped); entry != nil {
		return entry.compiled()
	}
	return nil
}

func choose(gk schema.GroupKind) *shipped {
	entries, err := library()
	if err != nil {
		return nil
	}
	var best *shipped
	for _, entry := range entries {
		if fit := entry.fits(gk); fit > 0 && (best == nil || fit > best.fits(gk)) {
			best = entry
		}
	}
	return best
}
