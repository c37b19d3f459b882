package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Kind is one version of a kind that a cluster serves.
type Kind struct {
	GVK        schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	Verbs      []string
	names      []string // lower case: the kind, its plural, its singular and its short names
}

// Can reports whether the API server offers a verb ("watch", "patch") for the
// kind.
func (k Kind) Can(verb string) bool { return slices.Contains(k.Verbs, verb) }

// keepVerbs are the verbs that Pushboat uses on the objects of a kind: it can keep an
// object as a revision says only if it can read it back, follow and delete it.
var keepVerbs = []string{"get", "list", "watch", "patch", "delete"}

// Missing lists the verbs that Pushboat needs for objects of the kind and the API
// server does not offer, as for a Binding or a TokenReview, which can only be created.
// It is empty for a kind whose verbs are not known, because its definition is not on
// the cluster yet.
func (k Kind) Missing() []string {
	if len(k.Verbs) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(keepVerbs), k.Can)
}

// UnknownKindError reports a kind that a cluster does not serve.
type UnknownKindError struct {
	GVK      schema.GroupVersionKind
	Versions []string                  // versions in which the cluster does serve the kind
	Similar  []schema.GroupVersionKind // kinds that the author may have meant, best first, at most three
	Request  string                    // the subresource that takes the kind, if it can only be sent there: "pods/eviction"
	Broken   error                     // why the kind's group could not be asked; nil if it could
}

// Error names the kind as in an object.
func (e *UnknownKindError) Error() string {
	if e.Broken != nil {
		return fmt.Sprintf("the API of %s, %s, does not answer%s", e.GVK.Kind, e.api(), e.why())
	}
	if e.Request != "" {
		return fmt.Sprintf("%s of %s cannot be kept: it is a request to %s, and no object", e.GVK.Kind, e.api(), e.Request)
	}
	return fmt.Sprintf("the cluster does not know the kind %s of %s", e.GVK.Kind, e.api())
}

// api returns the kind's group, with its version where that is known.
func (e *UnknownKindError) api() string {
	if e.GVK.Version == "" {
		return e.GVK.Group
	}
	return e.GVK.GroupVersion().String()
}

// why returns the reason for a broken API; discovery says only that it is broken.
func (e *UnknownKindError) why() string {
	if _, stale := errors.AsType[discovery.StaleGroupVersionError](e.Broken); stale {
		return ""
	}
	return ": " + shorten(reason(e.Broken), maxMessage)
}

// Unwrap returns the reason why the kind's group could not be asked.
func (e *UnknownKindError) Unwrap() error { return e.Broken }

// Hint names the kind that the author may have meant; "" if none comes near.
func (e *UnknownKindError) Hint() string {
	switch {
	case e.Broken != nil:
		return "see: kubectl get apiservice " + strings.TrimPrefix(e.GVK.Version+"."+e.GVK.Group, ".")
	case e.Request != "":
		return "remove it from the revision: Pushboat deploys objects that the cluster keeps"
	case len(e.Versions) > 0:
		var written []string
		for _, v := range e.Versions {
			written = append(written, schema.GroupVersion{Group: e.GVK.Group, Version: v}.String())
		}
		return "this cluster serves " + e.GVK.Kind + " as " + strings.Join(written, ", ")
	case len(e.Similar) > 0:
		var written []string
		for _, gvk := range e.Similar {
			written = append(written, gvk.Kind+" of "+gvk.GroupVersion().String())
		}
		return "did you mean " + strings.Join(written, ", or ") + "?"
	}
	return "install its CustomResourceDefinition, or push it along"
}

// rediscoverAfter is the age of an answer from which a miss asks again. Otherwise a
// push with a misspelled kind would cost a discovery for each object.
const rediscoverAfter = 3 * time.Second

// Kind returns how the cluster serves a kind in exactly that version. It looks again
// for a kind that is not known yet, at most once in a few seconds. The error is an
// *UnknownKindError if the cluster does not serve it.
func (c *Cluster) Kind(ctx context.Context, gvk schema.GroupVersionKind) (Kind, error) {
	var kind Kind
	err := c.kinds.find(ctx, func(known *catalogue) (err error) {
		kind, err = known.exact(gvk)
		return err
	})
	return kind, c.wrapKind(gvk.Kind, err)
}

// KindOf returns how the cluster serves a kind in its preferred version.
func (c *Cluster) KindOf(ctx context.Context, gk schema.GroupKind) (Kind, error) {
	var kind Kind
	err := c.kinds.find(ctx, func(known *catalogue) (err error) {
		kind, err = known.preferred(gk)
		return err
	})
	return kind, c.wrapKind(gk.Kind, err)
}

// KindsNamed lists the kinds that a word means to kubectl, in any case: Deployment,
// deployments, deployment, deploy, deployments.apps. It is empty if there is none.
func (c *Cluster) KindsNamed(ctx context.Context, word string) ([]schema.GroupKind, error) {
	known, _, err := c.kinds.current(ctx, nil, rediscoverAfter)
	if err != nil {
		return nil, c.wrap("look up the kind "+manifest.Clean(word), err)
	}
	return known.named(word), nil
}

// named lists the kinds that a word means; each once, whatever its versions.
func (c *catalogue) named(word string) []schema.GroupKind {
	name, group, inGroup := strings.Cut(strings.ToLower(word), ".")
	found := map[schema.GroupKind]bool{}
	for gvk, kind := range c.kinds {
		if slices.Contains(kind.names, name) && (!inGroup || group == gvk.Group || group == gvk.Version+"."+gvk.Group) {
			found[gvk.GroupKind()] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
}

func (c *Cluster) wrapKind(kind string, err error) error {
	if unknown := (*UnknownKindError)(nil); errors.As(err, &unknown) {
		return err
	}
	return c.wrap("look up the kind "+kind, err)
}

// Invalidate forgets the cluster's kinds and their schemas: after a
// CustomResourceDefinition was applied or deleted.
func (c *Cluster) Invalidate() {
	c.kinds.invalidate()
	c.schemas.invalidate()
	c.about.forget()
}

// doubt makes the next look-up ask the cluster again, unless it was asked just now: a
// request has shown that a kind is served differently.
func (k *kinds) doubt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.at) > rediscoverAfter {
		k.known, k.at = nil, time.Time{}
	}
}

// kinds remembers the result of discovery.
type kinds struct {
	client *discovery.DiscoveryClient
	log    *logrus.Entry

	mu    sync.Mutex // held during discovery, so that concurrent misses ask once
	known *catalogue
	at    time.Time
	had   map[schema.GroupKind]bool // kinds that some answer had
}

func newKinds(client *discovery.DiscoveryClient, log *logrus.Entry) *kinds {
	return &kinds{client: client, log: log, had: map[schema.GroupKind]bool{}}
}

func (k *kinds) invalidate() {
	k.mu.Lock()
	k.known, k.at = nil, time.Time{}
	k.mu.Unlock()
}

// An API server that has just started answers before it serves the kinds of
// definitions. So a known kind that is missing is asked for again every backEvery, up
// to backWithin, and only then taken for gone.
const (
	backEvery  = 250 * time.Millisecond
	backWithin = 5 * time.Second
)

// find runs a look-up on the known kinds, and once more on a fresh answer if it missed
// on an old one.
func (k *kinds) find(ctx context.Context, look func(*catalogue) error) error {
	known, fresh, err := k.current(ctx, nil, rediscoverAfter)
	if err != nil {
		return err
	}
	missed := look(known)
	unknown := (*UnknownKindError)(nil)
	if !errors.As(missed, &unknown) {
		return missed
	}
	if !fresh {
		if known, _, err = k.current(ctx, known, rediscoverAfter); err != nil {
			return err
		}
		missed = look(known)
	}
	late := time.Now().Add(backWithin)
	for errors.As(missed, &unknown) && len(unknown.Versions) == 0 && k.hadOnce(unknown.GVK.GroupKind(), time.Now().After(late)) {
		select {
		case <-time.After(backEvery):
		case <-ctx.Done():
			return missed
		}
		if known, _, err = k.current(ctx, known, backEvery/2); err != nil {
			return err
		}
		missed = look(known)
	}
	return missed
}

// hadOnce reports whether the cluster has served a kind, and is not known to have
// dropped it. A call with gone set notes that it has.
func (k *kinds) hadOnce(gk schema.GroupKind, gone bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if gone {
		delete(k.had, gk)
	}
	return k.had[gk]
}

// current returns the known kinds. It asks the cluster if there are none, or if the
// known answer is still the stale one and older than a time.
func (k *kinds) current(ctx context.Context, stale *catalogue, older time.Duration) (known *catalogue, fresh bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known != nil && (k.known != stale || time.Since(k.at) < older) {
		return k.known, false, nil
	}
	groups, resources, err := discovery.ServerGroupsAndResourcesWithContext(ctx, k.client)
	broken, partial := discovery.GroupDiscoveryFailedErrorGroups(err)
	if err != nil && (!partial || len(resources) == 0) {
		return nil, false, err
	}
	for gv, why := range broken {
		k.log.WithError(why).WithField("api", gv.String()).Warn("an API of the cluster does not answer; its kinds are unknown")
	}
	k.known, k.at = newCatalogue(groups, resources, broken), time.Now()
	for gvk := range k.known.kinds {
		k.had[gvk.GroupKind()] = true
	}
	return k.known, true, nil
}

// catalogue is one answer of discovery; it never changes.
type catalogue struct {
	kinds    map[schema.GroupVersionKind]Kind
	versions map[string][]string                // of each group, the preferred version first
	requests map[schema.GroupVersionKind]string // the subresource that takes a kind
	broken   map[schema.GroupVersion]error
}

func newCatalogue(groups []*metav1.APIGroup, lists []*metav1.APIResourceList, broken map[schema.GroupVersion]error) *catalogue {
	c := &catalogue{kinds: map[schema.GroupVersionKind]Kind{}, versions: map[string][]string{}, requests: map[schema.GroupVersionKind]string{}, broken: broken}
	for _, group := range groups {
		var versions []string
		for _, v := range group.Versions {
			versions = append(versions, v.Version)
		}
		preferred := group.PreferredVersion.Version
		sort.SliceStable(versions, func(i, j int) bool { return versions[i] == preferred && versions[j] != preferred })
		c.versions[group.Name] = versions
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // a broken extension API server; its kinds stay unknown
		}
		for _, r := range list.APIResources {
			gvk := gv.WithKind(r.Kind)
			if strings.Contains(r.Name, "/") { // a subresource, which may take a kind of another group
				if r.Version != "" {
					gvk.Group, gvk.Version = r.Group, r.Version
				}
				c.requests[gvk] = r.Name
				continue
			}
			names := []string{strings.ToLower(r.Kind), r.Name, r.SingularName}
			c.kinds[gvk] = Kind{
				GVK: gvk, Resource: gv.WithResource(r.Name), Namespaced: r.Namespaced, Verbs: r.Verbs,
				names: append(names, r.ShortNames...),
			}
		}
	}
	return c
}

func (c *catalogue) exact(gvk schema.GroupVersionKind) (Kind, error) {
	if kind, ok := c.kinds[gvk]; ok {
		return kind, nil
	}
	return Kind{}, c.unknown(gvk)
}

func (c *catalogue) preferred(gk schema.GroupKind) (Kind, error) {
	for _, version := range c.versions[gk.Group] {
		if kind, ok := c.kinds[gk.WithVersion(version)]; ok {
			return kind, nil
		}
	}
	return Kind{}, c.unknown(gk.WithVersion(""))
}

func (c *catalogue) unknown(gvk schema.GroupVersionKind) *UnknownKindError {
	e := &UnknownKindError{GVK: gvk, Broken: c.broken[gvk.GroupVersion()], Request: c.requests[gvk]}
	for _, version := range c.versions[gvk.Group] {
		if _, ok := c.kinds[gvk.GroupKind().WithVersion(version)]; ok {
			e.Versions = append(e.Versions, version)
		} else if why := c.broken[schema.GroupVersion{Group: gvk.Group, Version: version}]; e.Broken == nil && gvk.Version == "" && why != nil {
			e.Broken, e.GVK.Version = why, version
		}
	}
	if len(e.Versions) == 0 {
		e.Similar = c.similar(gvk)
	}
	return e
}

// similar finds kinds that the author may have meant: those of the same name in another
// group (an apiVersion mistake), or else those of the nearest name.
func (c *catalogue) similar(gvk schema.GroupVersionKind) []schema.GroupVersionKind {
	byName := map[string][]schema.GroupVersionKind{}
	for gk, version := range c.preferredKinds() {
		byName[gk.Kind] = append(byName[gk.Kind], gk.WithVersion(version))
	}
	name := gvk.Kind
	if len(byName[name]) == 0 {
		name = manifest.Closest(name, slices.Sorted(maps.Keys(byName)))
	}
	found := byName[name]
	slices.SortFunc(found, func(a, b schema.GroupVersionKind) int { return strings.Compare(a.Group, b.Group) })
	return found[:min(len(found), 3)]
}

func (c *catalogue) preferredKinds() map[schema.GroupKind]string {
	all := map[schema.GroupKind]string{}
	for gvk := range c.kinds {
		gk := gvk.GroupKind()
		if _, ok := all[gk]; !ok {
			kind, err := c.preferred(gk)
			if err == nil {
				all[gk] = kind.GVK.Version
			}
		}
	}
	return all
}
