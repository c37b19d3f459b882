package manifest

import (
	"slices"
	"strings"
)

// Phase is when a hook runs; one hook may have several.
type Phase uint16

// The phases. Charts of Helm have their own words for them: install and upgrade
// are the same phases at the first deploy and at later ones, see Policy.
const (
	PreSync    Phase = 1 << iota // before anything is applied
	Sync                         // with the objects of its wave
	PostSync                     // when everything is healthy
	SyncFail                     // when the deploy failed
	PreDelete                    // before the app is removed
	PostDelete                   // after it was
	Skip                         // never: the object is left out
	Test                         // when somebody asks for it
	Rollback                     // never: to roll back is to deploy
)

// Phases are all phases in which something runs, in the order in which they come.
var Phases = []Phase{PreSync, Sync, PostSync, SyncFail, PreDelete, PostDelete}

var phaseNames = map[Phase]string{
	PreSync: "PreSync", Sync: "Sync", PostSync: "PostSync", SyncFail: "SyncFail",
	PreDelete: "PreDelete", PostDelete: "PostDelete", Skip: "Skip", Test: "Test", Rollback: "Rollback",
}

// running are the phases of deploys and removals.
const running = PreSync | Sync | PostSync | SyncFail | PreDelete | PostDelete

// Runs reports whether a hook has a part in any deploy or removal.
func (p Phase) Runs() bool { return p&running != 0 && p&Skip == 0 }

// ParsePhase reads String's output for one phase; 0 for anything else.
func ParsePhase(name string) Phase {
	for phase, known := range phaseNames {
		if known == name {
			return phase
		}
	}
	return 0
}

// Has reports whether all phases of other are set.
func (p Phase) Has(other Phase) bool { return p&other == other }

// String names the phases as their annotation does: "PreSync,PostSync".
func (p Phase) String() string {
	var names []string
	for _, phase := range slices.Concat([]Phase{Skip}, Phases, []Phase{Test}) {
		if p.Has(phase) {
			names = append(names, phaseNames[phase])
		}
	}
	return strings.Join(names, ",")
}

// HookDeletion says when the object of a hook is deleted.
type HookDeletion uint8

// The ways, several of which may be set.
const (
	BeforeHookCreation HookDeletion = 1 << iota // before it runs again
	HookSucceeded                               // at the end of a deploy in which it succeeded
	HookFailed                                  // at the end of a deploy in which it failed
)

// Has reports whether all of other are set.
func (d HookDeletion) Has(other HookDeletion) bool { return d&other == other }

// Peer is one value of another tool's annotation, and its effect here.
// docs/migrating.md has the same table, in words.
type Peer struct {
	Key, Value string
	NoEffect   bool // accepted, since there is nothing to do

	sets  Policies
	phase Phase
	when  occasion // of the phase
	after HookDeletion
	fold  bool // letters may be of either case
}

func (p *Peer) matches(value string) bool {
	return value == p.Value || p.fold && strings.EqualFold(value, p.Value)
}

// occasion is which deploys have a phase.
type occasion uint8

const (
	each  occasion = iota
	first          // the first deploy, before which the app has nothing on the cluster
	later          // all others
)

const (
	waveAnnotation   = "argocd.argoproj.io/sync-wave"
	hookAnnotation   = "argocd.argoproj.io/hook"
	deleteAnnotation = "argocd.argoproj.io/hook-delete-policy"
	argoOptions      = "argocd.argoproj.io/sync-options"
	argoCompare      = "argocd.argoproj.io/compare-options"
	fluxPrune        = "kustomize.toolkit.fluxcd.io/prune"
	fluxSSA          = "kustomize.toolkit.fluxcd.io/ssa"
	fluxForce        = "kustomize.toolkit.fluxcd.io/force"
	fluxReconcile    = "kustomize.toolkit.fluxcd.io/reconcile"
	helmPolicy       = "helm.sh/resource-policy"
	helmHook         = "helm.sh/hook"
	helmDelete       = "helm.sh/hook-delete-policy"
	helmWeight       = "helm.sh/hook-weight"
)

// Peers is the one table of the annotations of Argo CD, Flux and Helm, on written and
// on running objects. Argo CD compares values letter by letter (gitops-engine,
// pkg/sync/common); Flux ignores their case, and reads labels too (fluxcd/pkg,
// ssa/utils.AnyInMetadata).
var Peers = []Peer{
	{Key: hookAnnotation, Value: "PreSync", phase: PreSync},
	{Key: hookAnnotation, Value: "Sync", phase: Sync},
	{Key: hookAnnotation, Value: "PostSync", phase: PostSync},
	{Key: hookAnnotation, Value: "SyncFail", phase: SyncFail},
	{Key: hookAnnotation, Value: "PreDelete", phase: PreDelete},
	{Key: hookAnnotation, Value: "PostDelete", phase: PostDelete},
	{Key: hookAnnotation, Value: "Skip", phase: Skip},

	{Key: deleteAnnotation, Value: "BeforeHookCreation", after: BeforeHookCreation},
	{Key: deleteAnnotation, Value: "HookSucceeded", after: HookSucceeded},
	{Key: deleteAnnotation, Value: "HookFailed", after: HookFailed},

	{Key: argoOptions, Value: "Prune=false", sets: KeepOnPrune},
	{Key: argoOptions, Value: "Prune=confirm", sets: ConfirmPrune},
	{Key: argoOptions, Value: "Prune=true", NoEffect: true},
	{Key: argoOptions, Value: "Delete=false", sets: KeepOnDelete},
	{Key: argoOptions, Value: "Delete=confirm", NoEffect: true}, // to remove an app always has to be confirmed
	{Key: argoOptions, Value: "Delete=true", NoEffect: true},
	{Key: argoOptions, Value: "Force=true", sets: Force},
	{Key: argoOptions, Value: "Force=false", NoEffect: true},
	{Key: argoOptions, Value: "Replace=true", sets: Replace},
	{Key: argoOptions, Value: "Replace=false", NoEffect: true},
	{Key: argoOptions, Value: "PruneLast=true", sets: PruneLast},
	{Key: argoOptions, Value: "PruneLast=false", NoEffect: true},
	{Key: argoOptions, Value: "ServerSideApply=true", NoEffect: true},
	{Key: argoOptions, Value: "ServerSideApply=false", NoEffect: true},
	{Key: argoOptions, Value: "ClientSideApplyMigration=true", NoEffect: true},
	{Key: argoOptions, Value: "ClientSideApplyMigration=false", NoEffect: true},
	{Key: argoOptions, Value: "SkipDryRunOnMissingResource=true", NoEffect: true},
	{Key: argoOptions, Value: "SkipDryRunOnMissingResource=false", NoEffect: true},
	{Key: argoOptions, Value: "Validate=true", NoEffect: true},
	{Key: argoOptions, Value: "Validate=false", NoEffect: true},
	{Key: argoOptions, Value: "CreateNamespace=true", NoEffect: true},
	{Key: argoOptions, Value: "CreateNamespace=false", NoEffect: true},
	{Key: argoOptions, Value: "ApplyOutOfSyncOnly=true", NoEffect: true},
	{Key: argoOptions, Value: "ApplyOutOfSyncOnly=false", NoEffect: true},
	{Key: argoOptions, Value: "RespectIgnoreDifferences=true", NoEffect: true},
	{Key: argoOptions, Value: "RespectIgnoreDifferences=false", NoEffect: true},
	{Key: argoOptions, Value: "FailOnSharedResource=true", NoEffect: true},
	{Key: argoOptions, Value: "FailOnSharedResource=false", NoEffect: true},
	{Key: argoOptions, Value: "PrunePropagationPolicy=foreground", NoEffect: true},
	{Key: argoOptions, Value: "PrunePropagationPolicy=background", NoEffect: true},
	{Key: argoOptions, Value: "PrunePropagationPolicy=orphan", NoEffect: true},

	{Key: argoCompare, Value: "IgnoreExtraneous", sets: KeepOnPrune},
	{Key: argoCompare, Value: "IncludeMutationWebhook=true", NoEffect: true},
	{Key: argoCompare, Value: "ServerSideDiff=true", NoEffect: true},
	{Key: argoCompare, Value: "ServerSideDiff=false", NoEffect: true},

	{Key: fluxPrune, Value: "disabled", fold: true, sets: KeepOnPrune | KeepOnDelete},
	{Key: fluxPrune, Value: "enabled", fold: true, NoEffect: true},
	{Key: fluxSSA, Value: "Override", fold: true, NoEffect: true},
	{Key: fluxSSA, Value: "Merge", fold: true, sets: Merge},
	{Key: fluxSSA, Value: "IfNotPresent", fold: true, sets: IfNotPresent},
	{Key: fluxSSA, Value: "Ignore", fold: true, sets: Frozen},
	{Key: fluxForce, Value: "enabled", fold: true, sets: Force},
	{Key: fluxForce, Value: "disabled", fold: true, NoEffect: true},
	{Key: fluxReconcile, Value: "disabled", fold: true, sets: Frozen},
	{Key: fluxReconcile, Value: "enabled", fold: true, NoEffect: true},

	{Key: helmPolicy, Value: "keep", fold: true, sets: KeepOnPrune | KeepOnDelete},

	{Key: helmHook, Value: "pre-install", phase: PreSync, when: first},
	{Key: helmHook, Value: "pre-upgrade", phase: PreSync, when: later},
	{Key: helmHook, Value: "post-install", phase: PostSync, when: first},
	{Key: helmHook, Value: "post-upgrade", phase: PostSync, when: later},
	{Key: helmHook, Value: "pre-delete", phase: PreDelete},
	{Key: helmHook, Value: "post-delete", phase: PostDelete},
	{Key: helmHook, Value: "test", phase: Test},
	{Key: helmHook, Value: "test-success", phase: Test},
	{Key: helmHook, Value: "pre-rollback", phase: Rollback},
	{Key: helmHook, Value: "post-rollback", phase: Rollback},

	{Key: helmDelete, Value: "before-hook-creation", after: BeforeHookCreation},
	{Key: helmDelete, Value: "hook-succeeded", after: HookSucceeded},
	{Key: helmDelete, Value: "hook-failed", after: HookFailed},
}

// peerKey is an annotation with all its values.
type peerKey struct {
	name  string
	list  bool // several values, with commas between
	label bool // it counts as a label too
	rules []Peer
}

// peerKeys are the rows of Peers by key.
var peerKeys = groupPeers()

func groupPeers() []peerKey {
	keys := []peerKey{{name: waveAnnotation}, {name: helmWeight}}
	for _, peer := range Peers {
		if last := &keys[len(keys)-1]; last.name != peer.Key {
			keys = append(keys, peerKey{
				name: peer.Key, list: strings.HasPrefix(peer.Key, "argocd.") || strings.HasPrefix(peer.Key, helmHook), label: strings.HasPrefix(peer.Key, "kustomize."),
			})
		}
		last := &keys[len(keys)-1]
		last.rules = append(last.rules, peer)
	}
	return keys
}

// IsPeerKey reports whether an annotation or label is one by which people tell
// tools how to treat an object, also one that is running.
func IsPeerKey(key string) bool {
	return slices.ContainsFunc(peerKeys, func(k peerKey) bool { return k.name == key })
}
