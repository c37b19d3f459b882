package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// placeKey names an object on one of several clusters.
type placeKey struct {
	cluster string
	id      manifest.ID
}

// claims says which app wants which object. Two apps never want the same one:
// the gate refuses it. An overlay holds the claims of a push that has not been
// accepted yet, over those of the apps as they are.
type claims struct {
	base *claims // nil for the apps as they are

	mu       sync.RWMutex
	byObject map[placeKey]string
	byApp    map[string][]placeKey
	bySet    map[string]string  // ApplySet id -> app
	stays    map[string]staying // apps of an overlay that want what they want in the base
}

// staying is what an app does not want any more of what it wants in the base.
type staying struct{ but *placeKey }

// keeps reports whether a key stays.
func (s staying) keeps(key placeKey) bool { return s.but == nil || *s.but != key }

func newClaims() *claims {
	return &claims{byObject: map[placeKey]string{}, byApp: map[string][]placeKey{}, bySet: map[string]string{}, stays: map[string]staying{}}
}

// overlay returns claims in which some apps may want something else.
func (c *claims) overlay() *claims {
	o := newClaims()
	o.base = c
	return o
}

// set makes the objects all that the app wants.
func (c *claims) set(app, cluster string, objects []resolved) {
	if c.base != nil {
		switch keys := c.base.keysOf(app); {
		case areOf(keys, cluster, objects):
			c.stay(app, keys, nil)
			return
		case len(keys) > 1 && areOf(keys[1:], cluster, objects): // without its namespace, see share
			c.stay(app, keys[1:], &keys[0])
			return
		}
	}
	keys := make([]placeKey, 0, len(objects))
	for i := range objects {
		if o := &objects[i]; o.isClaimed() {
			keys = append(keys, placeKey{cluster, o.id})
		}
	}
	c.setKeys(app, keys)
}

// isClaimed reports whether an app that has the object has it alone.
func (o *resolved) isClaimed() bool { return !o.id.IsGenerated() && !o.policy.IsSkipped() }

// areOf reports whether the keys are those of the objects, in their order.
func areOf(keys []placeKey, cluster string, objects []resolved) bool {
	n := 0
	for i := range objects {
		o := &objects[i]
		if !o.isClaimed() {
			continue
		}
		if n == len(keys) || keys[n].cluster != cluster || keys[n].id != o.id {
			return false
		}
		n++
	}
	return n == len(keys) && n > 0
}

// stay has an overlay leave what the app wants as it is, which is most of what most
// pushes want, but for one key, which may be nil.
func (c *claims) stay(app string, keys []placeKey, but *placeKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(app)
	c.byApp[app], c.stays[app] = keys, staying{but}
	c.bySet[setID(app)] = app
}

// setKeys is set for keys, which are not changed any more.
func (c *claims) setKeys(app string, keys []placeKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, stays := c.stays[app]; stays || !slices.Equal(c.byApp[app], keys) {
		c.forgetLocked(app)
	}
	for _, key := range keys {
		if c.byObject[key] != app { // to look is faster than to write
			c.byObject[key] = app
		}
	}
	c.byApp[app] = keys
	c.bySet[setID(app)] = app
}

// forgetLocked takes out what the app wants.
func (c *claims) forgetLocked(app string) {
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

// keysOf returns what the overlay says that the app wants, or else what it wants as it
// is.
func (c *claims) keysOf(app string) []placeKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if keys, ok := c.byApp[app]; ok || c.base == nil {
		return keys
	}
	return c.base.keysOf(app)
}

// know enters an app that wants nothing any more, since objects may still have
// its label.
func (c *claims) know(app string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bySet[setID(app)] = app
}

// heir returns another app that wants an object of this one, or "".
func (c *claims) heir(app, cluster string, id manifest.ID) string {
	if owner := c.owner(cluster, id); owner != app {
		return owner
	}
	return ""
}

// owner returns the app that wants an object, or "".
func (c *claims) owner(cluster string, id manifest.ID) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if app, ok := c.byObject[placeKey{cluster, id}]; ok {
		return app
	}
	if c.base == nil {
		return ""
	}
	app := c.base.owner(cluster, id)
	if _, replaced := c.byApp[app]; replaced && !c.staysWith(app, placeKey{cluster, id}) {
		return ""
	}
	return app
}

// staysWith reports whether an app wants a key in this overlay because it wants it in
// the base. The lock is held.
func (c *claims) staysWith(app string, key placeKey) bool {
	stays, ok := c.stays[app]
	return ok && stays.keeps(key)
}

// own returns the app that this overlay itself, and not its base, says wants an
// object, or "".
func (c *claims) own(cluster string, id manifest.ID) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if app := c.byObject[placeKey{cluster, id}]; app != "" || c.base == nil {
		return app
	}
	if app := c.base.owner(cluster, id); c.staysWith(app, placeKey{cluster, id}) {
		return app
	}
	return ""
}

// appOf returns the app of an ApplySet.
func (c *claims) appOf(partOf string) (app string, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if app, ok = c.bySet[partOf]; ok || c.base == nil {
		return app, ok
	}
	return c.base.appOf(partOf)
}

// companions are what else comes with a push to the same cluster: objects
// that others of the push depend on, and that the cluster may not have yet.
type companions struct {
	namespaces map[string]bool
	schemas    *kube.Schemas
	targets    []*target
	partial    bool // there may be more, in files that could not be read
}

// newCompanions collects the namespaces of the targets that are made before the
// objects in them, and their custom resource definitions as far as known does not say
// that the cluster already has them as they are. Before they are used, vet has to ask
// the cluster about the definitions.
func newCompanions(targets []*target, known func(t *target, o *manifest.Object) bool) *companions {
	with := &companions{namespaces: map[string]bool{}, targets: targets}
	var definitions []*manifest.Object
	for _, t := range targets {
		for _, o := range t.objects {
			if kind := o.GetKind(); kind != manifest.NamespaceKind.Kind && kind != manifest.DefinitionKind.Kind {
				continue // asked first: a push may come with thousands of objects
			}
			switch o.ID().GroupKind() {
			case manifest.NamespaceKind:
				policy, _ := manifest.PolicyOf(o.Unstructured)
				with.namespaces[o.GetName()] = with.namespaces[o.GetName()] || policy.Applies()
			case manifest.DefinitionKind:
				if !known(t, o) {
					definitions = append(definitions, o)
				}
			}
		}
	}
	with.schemas = kube.NewSchemas(definitions)
	return with
}

// vet leaves out the definitions that define nothing on the cluster, and reports those
// that would redefine what it serves itself.
func (c *companions) vet(ctx context.Context, cluster *Cluster) manifest.Problems {
	return cluster.Kube.Vet(ctx, c.schemas)
}

// pending reports whether the definition of a kind comes with the push.
func (c *companions) pending(kind kube.Kind) bool {
	return c.schemas.Has(kind.GVK.GroupKind())
}

// defines reports whether there are definitions that the cluster does not have.
func (c *companions) defines() bool { return !c.schemas.Empty() }

// mayDefine reports whether a kind is unknown that a file may define which
// could not be read. One that its group has in another version, or nearly by
// name, is more likely misspelt.
func (c *companions) mayDefine(err error) bool {
	var unknown *kube.UnknownKindError
	if !c.partial || !errors.As(err, &unknown) || len(unknown.Versions) > 0 {
		return false
	}
	for _, similar := range unknown.Similar {
		if similar.Group == unknown.GVK.Group {
			return false
		}
	}
	return true
}

// has reports whether this overlay itself says what the app wants.
func (c *claims) has(app string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.byApp[app]
	return ok
}

// placed lists the objects on a cluster that keysOf has.
func (c *claims) placed(app, cluster string) []resolved {
	var objects []resolved
	for _, key := range c.keysOf(app) {
		if key.cluster == cluster {
			objects = append(objects, resolved{id: key.id})
		}
	}
	return objects
}

// setID is the ApplySet id of an app, the label of its objects.
func setID(app string) string { return kube.NewParent(app, "").ID() }
