package kube

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Labels and annotations of an ApplySet, as KEP-3659 defines them. An object
// that belongs to a set has PartOfLabel with the set's ID as its value.
const (
	PartOfLabel = "applyset.kubernetes.io/part-of"
	IDLabel     = "applyset.kubernetes.io/id"

	toolingAnnotation    = "applyset.kubernetes.io/tooling"
	kindsAnnotation      = "applyset.kubernetes.io/contains-group-kinds"
	namespacesAnnotation = "applyset.kubernetes.io/additional-namespaces"

	// tooling names the program and version of its conventions; other tools must then
	// leave the set alone.
	tooling = "pushboat/v1"

	// Our own annotations on a parent, which name the owner of the set.
	appAnnotation        = "pushboat/app"
	repositoryAnnotation = "pushboat/repository"
	serverAnnotation     = "pushboat/server"
	epochAnnotation      = "pushboat/epoch"
)

// SystemNamespace is the namespace of the parents of a cluster's ApplySets.
const SystemNamespace = "pushboat-system"

// parentPrefix is the prefix of every parent Secret's name.
const parentPrefix = "pushboat-app-"

var (
	secrets    = Kind{GVK: schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, Resource: schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, Namespaced: true}
	podKind    = Kind{GVK: schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, Resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, Namespaced: true}
	configMaps = Kind{GVK: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, Resource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, Namespaced: true}
	namespaces = Kind{GVK: schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, Resource: schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}}
)

// Parent is the parent of an app's ApplySet: a Secret in SystemNamespace that lists the
// kinds and namespaces of the app's objects, so that all of them can be found again.
// Widen it before an apply, narrow it after a prune.
type Parent struct {
	App        name.App
	Repository name.Repo // the app's repository
	Server     string    // the Pushboat server that deploys it; "" if unknown
	Epoch      int64     // of that server's data directory at the time of writing; 0: unknown
	Kinds      GroupKinds
	Namespaces Namespaces
	Data       map[string][]byte // other data to keep with the set; may be nil

	uid     types.UID // of the Secret as it was read; "" if it does not exist yet
	version string    // resourceVersion of the Secret
}

// NewParent returns the parent of an app that has no objects yet. It writes nothing.
func NewParent(app name.App, repository name.Repo) Parent {
	return Parent{App: app, Repository: repository}
}

// OlderThan reports whether the parent is an earlier version of another that was read
// from the same cluster.
func (p Parent) OlderThan(other Parent) bool {
	mine, err := strconv.ParseUint(p.version, 10, 64)
	theirs, wrong := strconv.ParseUint(other.version, 10, 64)
	return err == nil && wrong == nil && mine < theirs
}

// Exists reports whether the parent was read from the cluster.
func (p Parent) Exists() bool { return p.uid != "" }

var plainName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// Name returns the name of the parent Secret: pushboat-app-APP. If the app's name
// cannot be part of an object's name, a digest replaces it.
func (p Parent) Name() string {
	if len(p.App) <= 200 && plainName.MatchString(string(p.App)) {
		return parentPrefix + string(p.App)
	}
	sum := sha256.Sum256([]byte(p.App))
	return parentPrefix + hex.EncodeToString(sum[:16])
}

// IsSystem reports whether an object is, or would be, the server's own, whatever a
// repository says: SystemNamespace, everything in it, and the rights that an installation
// gives the server.
func IsSystem(id manifest.ID) bool {
	return id.Namespace == SystemNamespace || id.GroupKind() == manifest.NamespaceKind && id.Name == SystemNamespace || IsOwnRight(id)
}

// ownRights are the names of the ClusterRoles that an installation gives the server, and
// of their bindings; see config/install.
var ownRights = []string{"pushboat", "pushboat-deploy", "pushboat-deploy-read"}

// IsOwnRight reports whether an object gives the server rights in the whole cluster.
func IsOwnRight(id manifest.ID) bool {
	return id.Group == "rbac.authorization.k8s.io" && (id.Kind == "ClusterRole" || id.Kind == "ClusterRoleBinding") &&
		slices.Contains(ownRights, id.Name)
}

// ID is the identity of the set, the value of PartOfLabel on its members.
func (p Parent) ID() string {
	return applySetID(p.Name(), SystemNamespace, secrets.GVK.GroupKind())
}

// applySetID computes an ApplySet's ID by the rule of KEP-3659:
// base64url(sha256(name.namespace.kind.group)), without padding.
func applySetID(name, namespace string, parent schema.GroupKind) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{name, namespace, parent.Kind, parent.Group}, ".")))
	return "applyset-" + base64.RawURLEncoding.EncodeToString(sum[:]) + "-v1"
}

// Equal reports whether two parents have the same content, ignoring the epoch.
func (p Parent) Equal(other Parent) bool {
	return p.App == other.App && p.Repository == other.Repository && p.Server == other.Server &&
		slices.Equal(p.Kinds, other.Kinds) && slices.Equal(p.Namespaces, other.Namespaces) &&
		maps.EqualFunc(p.Data, other.Data, func(a, b []byte) bool { return string(a) == string(b) })
}

// GroupKinds is a sorted set of kinds. The zero value is empty.
type GroupKinds []schema.GroupKind

// NewGroupKinds returns a set of the given kinds.
func NewGroupKinds(kinds ...schema.GroupKind) GroupKinds { return GroupKinds(nil).With(kinds...) }

// With returns the set with the given kinds added; it does not change the set itself.
func (s GroupKinds) With(kinds ...schema.GroupKind) GroupKinds {
	all := append(slices.Clone(s), kinds...)
	slices.SortFunc(all, func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

// Has reports whether the set contains a kind.
func (s GroupKinds) Has(kind schema.GroupKind) bool { return slices.Contains(s, kind) }

// String writes the set as the annotation does: "Deployment.apps,Service".
func (s GroupKinds) String() string {
	written := make([]string, len(s))
	for i, kind := range s {
		written[i] = kind.String()
	}
	return strings.Join(written, ",")
}

func parseGroupKinds(s string) GroupKinds {
	var set GroupKinds
	for _, part := range splitList(s) {
		set = append(set, schema.ParseGroupKind(part))
	}
	return NewGroupKinds(set...)
}

// Namespaces is a sorted set of namespaces. The zero value is empty.
type Namespaces []string

// NewNamespaces returns a set of the given namespaces; it leaves out the empty one, of
// cluster-scoped objects.
func NewNamespaces(names ...string) Namespaces { return Namespaces(nil).With(names...) }

// With returns the set with the given namespaces added; it does not change the set
// itself.
func (s Namespaces) With(names ...string) Namespaces {
	all := append(slices.Clone(s), names...)
	all = slices.DeleteFunc(all, func(name string) bool { return name == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// Has reports whether the set contains a namespace.
func (s Namespaces) Has(name string) bool { return slices.Contains(s, name) }

// String writes the set as the annotation does: "blog,shop".
func (s Namespaces) String() string { return strings.Join(s, ",") }

func splitList(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(part string) bool { return part == "" })
}

// secret writes the parent as an object to apply.
func (p Parent) secret() *unstructured.Unstructured {
	annotations := map[string]any{
		toolingAnnotation:    tooling,
		kindsAnnotation:      p.Kinds.String(),
		namespacesAnnotation: p.Namespaces.String(),
		appAnnotation:        string(p.App), // an unstructured object holds plain strings only
		repositoryAnnotation: string(p.Repository),
	}
	if p.Server != "" {
		annotations[serverAnnotation] = p.Server
	}
	if p.Epoch > 0 {
		annotations[epochAnnotation] = strconv.FormatInt(p.Epoch, 10)
	}
	object := map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"type":       "pushboat/app",
		"metadata": map[string]any{
			"name":        p.Name(),
			"namespace":   SystemNamespace,
			"labels":      map[string]any{IDLabel: p.ID()},
			"annotations": annotations,
		},
	}
	if len(p.Data) > 0 {
		data := map[string]any{}
		for key, value := range p.Data {
			data[key] = base64.StdEncoding.EncodeToString(value)
		}
		object["data"] = data
	}
	return &unstructured.Unstructured{Object: object}
}

// ParseParent reads a parent Secret back; ok is false for a Secret that no server has
// written.
func ParseParent(u *unstructured.Unstructured) (p Parent, ok bool) {
	annotations := u.GetAnnotations()
	if name, _, _ := strings.Cut(annotations[toolingAnnotation], "/"); name != "pushboat" || annotations[appAnnotation] == "" {
		return Parent{}, false
	}
	p = Parent{
		App:        name.App(annotations[appAnnotation]),
		Repository: name.Repo(annotations[repositoryAnnotation]),
		Server:     annotations[serverAnnotation],
		Kinds:      parseGroupKinds(annotations[kindsAnnotation]),
		Namespaces: NewNamespaces(splitList(annotations[namespacesAnnotation])...),
		uid:        u.GetUID(),
		version:    u.GetResourceVersion(),
	}
	if epoch, err := strconv.ParseInt(annotations[epochAnnotation], 10, 64); err == nil {
		p.Epoch = epoch
	}
	fields, _, _ := unstructured.NestedMap(u.Object, "data")
	for key, value := range fields {
		encoded, _ := value.(string)
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue // the API server stores no other encoding
		}
		if p.Data == nil {
			p.Data = map[string][]byte{}
		}
		p.Data[key] = decoded
	}
	return p, u.GetName() == p.Name() && u.GetLabels()[IDLabel] == p.ID()
}

// EnsureSystemNamespace creates SystemNamespace if the cluster does not have it.
func (c *Cluster) EnsureSystemNamespace(ctx context.Context) error {
	c = c.own()
	_, err := c.Get(ctx, namespaces, "", SystemNamespace)
	if !IsNotFound(err) {
		return err
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": SystemNamespace},
	}}
	if _, err = c.Apply(ctx, namespaces, namespace, ApplyOptions{}); err != nil {
		return fmt.Errorf("make the namespace %s: %w", SystemNamespace, err)
	}
	return nil
}

// ReadParent reads the parent of an app. If there is none yet, it returns that of
// NewParent, for which Exists is false.
func (c *Cluster) ReadParent(ctx context.Context, app name.App, repository name.Repo) (Parent, error) {
	fresh := NewParent(app, repository)
	u, err := c.own().Get(ctx, secrets, SystemNamespace, fresh.Name())
	if IsNotFound(err) {
		return fresh, nil
	}
	if err != nil {
		return Parent{}, fmt.Errorf("read the inventory of app %s: %w", app, err)
	}
	parent, ok := ParseParent(u)
	if !ok {
		return Parent{}, fmt.Errorf("Secret %s/%s exists, but is not the inventory of app %s; rename or delete it",
			SystemNamespace, fresh.Name(), app)
	}
	return parent, nil
}

// ListParents lists the parents of all apps on the cluster, of any server, sorted by
// app.
func (c *Cluster) ListParents(ctx context.Context) ([]Parent, error) {
	list, err := c.own().List(ctx, secrets, SystemNamespace, IDLabel)
	if err != nil {
		return nil, fmt.Errorf("list the apps of cluster %s: %w", c.name, err)
	}
	var parents []Parent
	for i := range list.Items {
		if parent, ok := ParseParent(&list.Items[i]); ok {
			parents = append(parents, parent)
		}
	}
	slices.SortFunc(parents, func(a, b Parent) int { return cmp.Compare(a.App, b.App) })
	return parents, nil
}

// DeleteParent deletes the parent of an app that no longer owns anything. A missing one
// is no error.
func (c *Cluster) DeleteParent(ctx context.Context, parent Parent) error {
	err := c.own().Delete(ctx, secrets, SystemNamespace, parent.Name(), DeleteOptions{UID: parent.uid})
	if IsNotFound(err) {
		return nil
	}
	return err
}
