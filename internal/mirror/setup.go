package mirror

import (
	"slices"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
)

// Setup is what the rules say of a mirror, but for where its credentials are.
type Setup struct {
	Branches []string `json:"branches,omitempty"` // patterns; nil: the one that HEAD names upstream
	Tags     []string `json:"tags,omitzero"`      // patterns, or ranges of versions; of no element: none
	Path     string   `json:"path,omitempty"`     // the folder that is deployed; "": all
	UsedBy   []string `json:"usedBy,omitempty"`   // repositories whose apps come from it
	Schedule string   `json:"schedule"`           // also where the rules leave it out
	Rewrites string   `json:"rewrites"`           // likewise: refuse or follow
	User     string   `json:"user,omitempty"`
	// Credentials are the fields of those that it has: keyFile, or key where it is in admin.git.
	Credentials []string `json:"credentials,omitempty"`
	HostKeys    []string `json:"hostKeys,omitempty"` // that the rules name
	Forge       string   `json:"forge,omitempty"`
	Comments    string   `json:"comments,omitempty"`  // problems or always; "": never
	WriteBack   string   `json:"writeBack,omitempty"` // branch; "": what is set here goes nowhere
}

// SentSetup is what the rules say of a remote, but for where its credentials are.
type SentSetup struct {
	Branches    []string `json:"branches,omitempty"` // patterns; nil: those that feed apps
	Tags        []string `json:"tags,omitzero"`      // patterns; nil: all; of no element: none
	Records     bool     `json:"records"`
	Force       bool     `json:"force"`
	User        string   `json:"user,omitempty"`
	Credentials []string `json:"credentials,omitempty"`
	HostKeys    []string `json:"hostKeys,omitempty"`
	Forge       string   `json:"forge,omitempty"`
}

func setupOf(m *rules.Mirror) *Setup {
	s := &Setup{
		Branches: wordsOf(m.Branches), Tags: slices.Clone(m.Tags), Path: m.Path, UsedBy: wordsOf(m.UsedBy), Schedule: scheduleOf(m), Rewrites: "refuse",
		User: m.User, HostKeys: slices.Clone(m.HostKeys), Forge: m.Forge, Comments: m.Comments,
		Credentials: credentialsOf(m.Sealed, map[string]string{"keyFile": m.KeyFile, "tokenFile": m.TokenFile, "hookFile": m.HookFile, "statusFile": m.StatusFile}),
	}
	if m.Follow {
		s.Rewrites = "follow"
	}
	if m.WriteBack {
		s.WriteBack = "branch"
	}
	return s
}

func sentSetupOf(m *rules.Remote) *SentSetup {
	return &SentSetup{
		Branches: wordsOf(m.Branches), Tags: wordsOf(m.Tags), Records: m.Records, Force: m.Force, User: m.User, HostKeys: slices.Clone(m.HostKeys), Forge: m.Forge,
		Credentials: credentialsOf(m.Sealed, map[string]string{"keyFile": m.KeyFile, "tokenFile": m.TokenFile, "statusFile": m.StatusFile}),
	}
}

// wordsOf are patterns as texts; nil stays nil.
func wordsOf(patterns []glob.Pattern) []string {
	if patterns == nil {
		return nil
	}
	words := make([]string, len(patterns))
	for i, p := range patterns {
		words[i] = string(p)
	}
	return words
}

// credentialsOf are the names of the fields that are given.
func credentialsOf(sealed *rules.Sealed, files map[string]string) []string {
	names := slices.Clone(sealed.Names())
	for field, file := range files {
		if file != "" {
			names = append(names, field)
		}
	}
	slices.Sort(names)
	return names
}
