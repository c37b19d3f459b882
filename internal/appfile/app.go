// Package appfile reads pushboat.yaml, the file in which a repository says what it
// deploys: one entry an app, every field with a default, everything unknown an error
// with its line. It knows no cluster and no Git.
package appfile

import (
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/window"
)

// Name is the file's name, at the root of a repository.
const Name = "pushboat.yaml"

// What a pushboat.yaml may be.
const (
	// MaxBytes bounds the file; a thousand apps with every field have 300 KB.
	MaxBytes = 1 << 20
	// MaxApps bounds the apps of one repository, those of globs included.
	MaxApps = 2000
	// MaxList bounds the elements of dependsOn, ignore and pointers, and all expressions of ignore.
	MaxList = 200
)

// Defaults of the fields.
const (
	DefaultBranch   = "main"
	DefaultCluster  = "default"
	DefaultSchedule = "@every 5m"
	DefaultFull     = "@daily"
	DefaultTimeout  = 5 * time.Minute
)

// Values of App.Render.
const (
	RenderAuto      = "auto"      // by the files in the folder
	RenderPlain     = "plain"     // the manifests as they are
	RenderKustomize = "kustomize" // the kustomization in the folder
	RenderHelm      = "helm"      // the chart in the folder
)

// Values of App.Drift.
const (
	DriftCorrect = "correct"
	DriftWarn    = "warn"
	DriftOff     = "off"
)

// Values of App.PlainSecrets in the file.
const (
	plainSecretsRefuse = "refuse"
	plainSecretsAllow  = "allow"
)

// Values of App.OnFailure.
const (
	OnFailureKeep     = "keep"     // a failed deploy stays as it is
	OnFailureRollback = "rollback" // the app is taken back to its last good deploy
)

// App is a unit of deployment: a folder of a branch, on one cluster. All
// fields are checked and have their defaults.
type App struct {
	Name    name.App // see name.App; unique in the file
	Path    string   // clean and relative to the root, "." for the root
	Branch  name.Branch
	Cluster string

	Namespace       string // for objects that name none; "" if none was given
	CreateNamespace bool   // make Namespace; only with a Namespace
	// NamespaceMetadata is what Namespace is to have, which is among the app's objects then;
	// never in a pushboat.yaml.
	NamespaceMetadata Metadata `json:",omitzero"`

	// Artifact is what the app is rendered from instead of from Path; Path is "." then, or the folder
	// of the object that means the app.
	Artifact  Artifact `json:",omitzero"`
	Render    string   // RenderAuto, RenderPlain, RenderKustomize or RenderHelm
	Kustomize Kustomize
	Helm      Helm
	Manifests []Manifests // beside the chart
	// Files chooses among the manifests of a folder that is rendered as it is.
	Files Files `json:",omitzero"`
	// Sources are rendered beside the app's own folder.
	Sources []Addition `json:",omitempty"`
	// Substitute declares the names that are replaced in the rendered objects.
	Substitute Substitute
	// PostBuild is done to the rendered objects after that.
	PostBuild PostBuild `json:",omitzero"`
	Schedule  string    // as ParseSchedule reads it; "": watches only
	// FullSchedule is when every object is tried on the cluster by a dry-run, as
	// ParseSchedule reads it; "": never.
	FullSchedule string

	Drift     string        // DriftCorrect, DriftWarn or DriftOff
	Prune     bool          // delete objects that have left the folder
	OnRemove  string        `json:",omitempty"` // OnRemoveKeep or OnRemoveDelete; "": as Prune says
	Timeout   time.Duration // for health after an apply
	DependsOn []name.App    // names of apps of the same branch, without cycles
	OnFailure string        // OnFailureKeep or OnFailureRollback
	Ignore    []Ignore
	Health    []Health // before the rules that hold for all
	// Windows are those of the app, beside those of the server's rules: both have to be open.
	Windows window.Set `json:",omitempty"`
	// Released are objects that the app gives up to other repositories.
	Released []Released `json:",omitempty"`
	// PlainSecrets allows Secrets in the repository whose values are not encrypted.
	PlainSecrets bool

	// Exclude are folders below Path that are the Path of another app of the
	// same branch, and so not part of this one. Sorted.
	Exclude []string
	// Source is the app's entry; the zero Source if there is no file.
	Source manifest.Source
	// Imported is the kind of the object of another tool that means the app, which is at
	// Source then; "" for an app of this file's. Objects of such tools that the app makes
	// are read as apps, and not applied.
	Imported string `json:",omitempty"`
	// Made is what makes an app that is imported, and OnRemoveBy the setting of its object that
	// OnRemove comes from.
	Made       Making `json:",omitzero"`
	OnRemoveBy string `json:",omitempty"`
	// Hidden are texts in the settings of an app that is imported which must not be shown.
	Hidden []string `json:",omitempty"`
	// ServiceAccount is the one, "NAMESPACE/NAME", as which the app asks to be applied; "": as that
	// of its repository. The grant of the repository says whether it may.
	ServiceAccount string `json:",omitempty"`
	// Suspended says why the app is not deployed; "" if it is.
	Suspended string `json:",omitempty"`
	// LeaveOut are tools whose objects the app does not apply: ToolFlux, ToolArgo.
	LeaveOut []string `json:",omitempty"`
}

// Ignore names fields that somebody else owns.
type Ignore struct {
	Kind, Name, Namespace, Group string   // Kind is set, and may be EveryKind; "" elsewhere matches all
	Pointers                     []string // RFC 6901, with steps manifest.Each
	JQ                           []string `json:",omitempty"` // as jq.Parse reads them; one of the two has some
}

// Metadata are labels and annotations of an object.
type Metadata struct{ Labels, Annotations map[string]string }

// IsZero reports whether there are none.
func (m Metadata) IsZero() bool { return len(m.Labels)+len(m.Annotations) == 0 }

// EveryKind is the kind of an Ignore that is about objects of all kinds.
const EveryKind = "*"

// Matches reports whether the entry is about an object.
func (i Ignore) Matches(id manifest.ID) bool {
	matches := func(want, is string) bool { return want == "" || want == is }
	return (i.Kind == EveryKind || i.Kind == id.Kind) && matches(i.Group, id.Group) &&
		matches(i.Namespace, id.Namespace) && matches(i.Name, id.Name)
}

// Default is the app of an empty entry, without a name.
func Default() App { return defaultApp() }

// defaultApp is the app of an empty entry.
func defaultApp() App {
	return App{
		Path:         ".",
		Branch:       DefaultBranch,
		Cluster:      DefaultCluster,
		Render:       RenderAuto,
		Schedule:     DefaultSchedule,
		FullSchedule: DefaultFull,
		Drift:        DriftCorrect,
		Prune:        true,
		Timeout:      DefaultTimeout,
		OnFailure:    OnFailureKeep,
	}
}
