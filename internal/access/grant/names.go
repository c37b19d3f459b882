package grant

import (
	"slices"
	"strings"
)

// Names are things of the server, by their names: those that a grant gives. The zero Names
// are all.
type Names struct {
	Given []Name // nil: all that no grant names
	// Taken are those that other grants name, sorted, where Given is nil: to name one is to
	// keep it from everybody who does not.
	Taken []Name
}

// Name names one thing, or with a * at its end all whose names begin so. The * alone names
// all, and takes none from others.
type Name string

// Match reports whether it names a thing.
func (n Name) Match(thing string) bool {
	prefix, open := strings.CutSuffix(string(n), "*")
	return string(n) == thing || open && strings.HasPrefix(thing, prefix)
}

// IsAll reports whether it names all.
func (n Name) IsAll() bool { return n == "*" }

func anyNames(names []Name, thing string) bool {
	return slices.ContainsFunc(names, func(n Name) bool { return n.Match(thing) })
}

// All reports whether all are given, whatever there is.
func (n Names) All() bool {
	return n.Given == nil && len(n.Taken) == 0 || slices.ContainsFunc(n.Given, Name.IsAll)
}

// Has reports whether a thing is given.
func (n Names) Has(thing string) bool {
	if n.Given == nil {
		return !anyNames(n.Taken, thing)
	}
	return anyNames(n.Given, thing)
}

// String says in words what is given. It names nothing that is not.
func (n Names) String() string {
	switch {
	case n.All():
		return "all"
	case n.Given == nil:
		return "all that no other grant names"
	case len(n.Given) == 0:
		return "none"
	}
	words := make([]string, len(n.Given))
	for i, name := range n.Given {
		words[i] = string(name)
	}
	return strings.Join(words, ", ")
}

// keep takes what grants name from the grants that do not.
func keep(grants []*Grant, of func(*Grant) *Names) {
	var taken []Name
	for _, g := range grants {
		for _, n := range of(g).Given {
			if !n.IsAll() {
				taken = append(taken, n)
			}
		}
	}
	slices.Sort(taken)
	taken = slices.Compact(taken)
	for _, g := range grants {
		if names := of(g); names.Given == nil {
			names.Taken = taken
		}
	}
}

// Share settles which of the server's keys and credentials each of all grants gives: the
// ones that a grant names are for nobody whose grant does not.
func Share(grants []*Grant) {
	keep(grants, func(g *Grant) *Names { return &g.Keys })
	keep(grants, func(g *Grant) *Names { return &g.Credentials })
}

// Used is what a rendering has used of the server's keys and credentials.
type Used struct {
	Files  []UsedFile  `json:"files,omitempty"`
	Charts []UsedChart `json:"charts,omitempty"`
}

// UsedFile is an encrypted file that was read.
type UsedFile struct {
	File string `json:"file"`
	// Openers are the server's keys that open it, for each of the file's groups of keys,
	// of which Needs are necessary.
	Openers [][]string `json:"openers"`
	Needs   int        `json:"needs"`
}

// UsedChart is a chart that was fetched with a credential.
type UsedChart struct {
	Chart      string `json:"chart"` // its name and version
	Credential string `json:"credential"`
}

// opens reports whether keys open a file.
func (u UsedFile) opens(keys Names) bool {
	opened := 0
	for _, group := range u.Openers {
		if slices.ContainsFunc(group, keys.Has) {
			opened++
		}
	}
	return opened >= u.Needs
}

// JudgeUsed says why the grant does not let something be deployed that was made with keys
// and credentials of the server; nil: it does, or it is not known what was used.
func (g *Grant) JudgeUsed(used *Used) *Refusal {
	if used == nil {
		return nil
	}
	for _, file := range used.Files {
		if !g.Keys.All() && !file.opens(g.Keys) {
			return &Refusal{Message: "gives no key that opens " + file.File, Hint: HintKeys}
		}
	}
	for _, chart := range used.Charts {
		if !g.Credentials.Has(chart.Credential) {
			return &Refusal{Message: "gives no credentials for " + chart.Chart + " of a registry", Hint: HintCredentials}
		}
	}
	return nil
}

// What to try where a grant gives no key, or no credentials.
const (
	HintKeys        = "encrypt it for a key that the grant gives, which ssh HOST access explain names\nor ask an admin to give one: decryptionKeys: [NAME]"
	HintCredentials = "commit what is there, with path: its folder\nor ask an admin to give the credentials: chartCredentials: [ADDRESS]"
)
