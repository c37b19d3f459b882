package plan

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// ClaimKey names an object on one of several clusters.
type ClaimKey struct {
	cluster string
	id      manifest.ID
}

// Claims says which app wants which object. Two apps never want the same one:
// the gate refuses it. An overlay holds the claims of a push that has not been
// accepted yet, over those of the apps as they are.
type Claims struct {
	base *Claims // nil for the apps as they are

	mu       sync.RWMutex
	byObject map[ClaimKey]name.App
	byApp    map[name.App][]ClaimKey
	bySet    map[string]name.App  // ApplySet id -> app
	stays    map[name.App]staying // apps of an overlay that want the same as in the base
	rivalled map[name.App]bool    // apps of which another one claims an object as well
}

// staying is the part of its claims in the base that an app gives up.
type staying struct{ but *ClaimKey }

// keeps reports whether a key stays.
func (s staying) keeps(key ClaimKey) bool { return s.but == nil || *s.but != key }

// NewClaims makes claims of no app.
func NewClaims() *Claims {
	return &Claims{byObject: map[ClaimKey]name.App{}, byApp: map[name.App][]ClaimKey{}, bySet: map[string]name.App{}, stays: map[name.App]staying{}, rivalled: map[name.App]bool{}}
}

// Overlay returns claims in which some apps may want something else.
func (c *Claims) Overlay() *Claims {
	o := NewClaims()
	o.base = c
	return o
}

// Set replaces everything that the app wants with these objects.
func (c *Claims) Set(app name.App, cluster string, objects []Placed) {
	if c.base != nil {
		switch keys := c.base.KeysOf(app); {
		case areOf(keys, cluster, objects):
			c.stay(app, keys, nil)
			return
		case len(keys) > 1 && areOf(keys[1:], cluster, objects): // without its namespace, see share
			c.stay(app, keys[1:], &keys[0])
			return
		}
	}
	keys := make([]ClaimKey, 0, len(objects))
	for i := range objects {
		if o := &objects[i]; o.IsClaimed() {
			keys = append(keys, ClaimKey{cluster, o.Key})
		}
	}
	c.SetKeys(app, keys)
}

// IsClaimed reports whether an app that has the object must be the only one.
func (o *Placed) IsClaimed() bool { return !o.Key.IsGenerated() && !o.Policy.IsSkipped() }

// areOf reports whether the keys are those of the objects, in their order.
func areOf(keys []ClaimKey, cluster string, objects []Placed) bool {
	n := 0
	for i := range objects {
		o := &objects[i]
		if !o.IsClaimed() {
			continue
		}
		if n == len(keys) || keys[n].cluster != cluster || keys[n].id != o.Key {
			return false
		}
		n++
	}
	return n == len(keys) && n > 0
}

// stay has an overlay keep the app's claims as they are, but for one key, which may be
// nil. Most claims of most pushes stay.
func (c *Claims) stay(app name.App, keys []ClaimKey, but *ClaimKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(app)
	c.byApp[app], c.stays[app] = keys, staying{but}
	c.bySet[SetID(app)] = app
}

// SetKeys is set for keys, which are not changed any more.
func (c *Claims) SetKeys(app name.App, keys []ClaimKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, stays := c.stays[app]
	if !stays && !c.rivalled[app] && areSame(c.byApp[app], keys) {
		return // as after most pushes
	}
	if stays || !slices.Equal(c.byApp[app], keys) {
		c.forgetLocked(app)
	}
	for _, key := range keys {
		owner := c.byObject[key]
		if owner == app { // to look is faster than to write
			continue
		}
		if owner != "" {
			c.rivalled[owner] = true
		}
		c.byObject[key] = app
	}
	delete(c.rivalled, app)
	c.byApp[app] = keys
	c.bySet[SetID(app)] = app
}

// areSame reports whether two lists are one and the same.
func areSame(a, b []ClaimKey) bool { return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] }

// Unrivalled reports whether it is known that the objects are what the app wants in the
// base, and that no other app wants any of them, neither there nor in this overlay.
func (c *Claims) Unrivalled(app name.App, cluster string, objects []Placed) bool {
	c.mu.RLock()
	alone := c.base != nil && len(c.byObject) == 0
	c.mu.RUnlock()
	if !alone {
		return false
	}
	c.base.mu.RLock()
	rivalled, keys := c.base.rivalled[app], c.base.byApp[app]
	c.base.mu.RUnlock()
	return !rivalled && (areOf(keys, cluster, objects) || len(keys) > 1 && areOf(keys[1:], cluster, objects))
}

// forgetLocked removes the app's claims.
func (c *Claims) forgetLocked(app name.App) {
	if _, stays := c.stays[app]; !stays {
		for _, old := range c.byApp[app] {
			if c.byObject[old] == app {
				delete(c.byObject, old)
			}
		}
	}
	delete(c.stays, app)
	delete(c.byApp, app)
}

// KeysOf returns the app's claims according to the overlay, or else those of the base.
func (c *Claims) KeysOf(app name.App) []ClaimKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if keys, ok := c.byApp[app]; ok || c.base == nil {
		return keys
	}
	return c.base.KeysOf(app)
}

// Know enters an app that wants nothing any more, since objects may still have
// its label.
func (c *Claims) Know(app name.App) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bySet[SetID(app)] = app
}

// Heir returns another app that wants an object of this one, or "".
func (c *Claims) Heir(app name.App, cluster string, id manifest.ID) name.App {
	if owner := c.Owner(cluster, id); owner != app {
		return owner
	}
	return ""
}

// Owner returns the app that wants an object, or "".
func (c *Claims) Owner(cluster string, id manifest.ID) name.App {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if app, ok := c.byObject[ClaimKey{cluster, id}]; ok {
		return app
	}
	if c.base == nil {
		return ""
	}
	app := c.base.Owner(cluster, id)
	if _, replaced := c.byApp[app]; replaced && !c.staysWith(app, ClaimKey{cluster, id}) {
		return ""
	}
	return app
}

// staysWith reports whether an app wants a key in this overlay because it wants it in
// the base. The lock is held.
func (c *Claims) staysWith(app name.App, key ClaimKey) bool {
	stays, ok := c.stays[app]
	return ok && stays.keeps(key)
}

// Own returns the app that this overlay itself, and not its base, says wants an
// object, or "".
func (c *Claims) Own(cluster string, id manifest.ID) name.App {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if app := c.byObject[ClaimKey{cluster, id}]; app != "" || c.base == nil {
		return app
	}
	if app := c.base.Owner(cluster, id); c.staysWith(app, ClaimKey{cluster, id}) {
		return app
	}
	return ""
}

// AppOf returns the app of an ApplySet.
func (c *Claims) AppOf(partOf string) (app name.App, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if app, ok = c.bySet[partOf]; ok || c.base == nil {
		return app, ok
	}
	return c.base.AppOf(partOf)
}

// Companions are the other things that a push brings to the same cluster: objects on
// which its other objects depend, and which the cluster may not have yet.
type Companions struct {
	Namespaces map[string]bool
	Schemas    *kube.Schemas
	Targets    []*Target
	Unread     bool // there may be more, in files that could not be read
}

// NewCompanions collects the namespaces of the targets that are made before the
// objects in them, and their custom resource definitions as far as known does not say
// that the cluster already has them as they are. Before they are used, vet has to ask
// the cluster about the definitions.
func NewCompanions(targets []*Target, known func(t *Target, o *manifest.Object) bool) *Companions {
	with := &Companions{Namespaces: map[string]bool{}, Targets: targets}
	var definitions []*manifest.Object
	for _, t := range targets {
		for _, o := range t.SpecialOnes() {
			switch o.ID().GroupKind() {
			case manifest.NamespaceKind:
				policy, _ := manifest.PolicyOf(o.Unstructured)
				with.Namespaces[o.GetName()] = with.Namespaces[o.GetName()] || policy.Applies()
			case manifest.DefinitionKind:
				if !known(t, o) {
					definitions = append(definitions, o)
				}
			}
		}
	}
	with.Schemas = kube.NewSchemas(definitions)
	return with
}

// Vet leaves out the definitions that are outside of the bounds, and those that define
// nothing on the cluster, and reports those that would redefine a kind that the cluster
// itself serves. The bounds come first: about a definition that may not be deployed, nothing
// is asked of the cluster, or told.
func (c *Companions) Vet(ctx context.Context, api API, within Bounds) manifest.Problems {
	c.Schemas.LeaveOut(func(o *manifest.Object) string {
		id := o.ID()
		id.Namespace = "" // whatever is written: a definition is in none
		if refusal, _ := within.Outside(ctx, id); refusal != nil {
			return "the grant of the repository does not give its CustomResourceDefinition at " + o.Source.String()
		}
		return ""
	})
	return api.Vet(ctx, c.Schemas)
}

// Pending reports whether the definition of a kind comes with the push.
func (c *Companions) Pending(kind kube.Kind) bool {
	return c.Schemas.Has(kind.GVK.GroupKind())
}

// Defines reports whether there are definitions that the cluster does not have.
func (c *Companions) Defines() bool { return !c.Schemas.Empty() }

// mayDefine reports whether a kind is unknown that a file may define which
// could not be read. One that its group has in another version, or nearly by
// name, is more likely misspelt.
func (c *Companions) mayDefine(err error) bool {
	var unknown *kube.UnknownKindError
	if !c.Unread || !errors.As(err, &unknown) || len(unknown.Versions) > 0 {
		return false
	}
	for _, similar := range unknown.Similar {
		if similar.Group == unknown.GVK.Group {
			return false
		}
	}
	return true
}

// Has reports whether this overlay has claims of its own for the app.
func (c *Claims) Has(app name.App) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.byApp[app]
	return ok
}

// Placed lists the objects on a cluster that KeysOf has.
func (c *Claims) Placed(app name.App, cluster string) []Placed {
	var objects []Placed
	for _, key := range c.KeysOf(app) {
		if key.cluster == cluster {
			objects = append(objects, Placed{Key: key.id})
		}
	}
	return objects
}

// SetID is the ApplySet id of an app, the label of its objects.
func SetID(app name.App) string { return kube.NewParent(app, "").ID() }
