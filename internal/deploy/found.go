package deploy

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/generated"
)

// An app that declares a generated value may run already with a value of its own: it
// was taken over from Helm, or the chart had made one up before. A new value would lock
// out programs that know the old one, such as a database. So if a new value would stand
// unchanged in a Secret, and the cluster has that Secret with another value, that value
// is used.

// secretKey is a key of a Secret.
type secretKey struct{ namespace, name, key string }

// keysOf finds the keys of Secrets that have one of the texts as their whole value, by
// the paths of the texts. Of several the first counts.
func keysOf(texts map[string]string, objects []*manifest.Object, namespace string) map[string]secretKey {
	found := map[string]secretKey{}
	for _, o := range objects {
		if o.GroupVersionKind().GroupKind() != manifest.SecretKind {
			continue
		}
		values := secretValues(o.Object)
		for _, key := range slices.Sorted(maps.Keys(values)) {
			for path, text := range texts {
				if _, known := found[path]; !known && values[key] == text {
					found[path] = secretKey{cmp.Or(o.GetNamespace(), namespace, "default"), o.GetName(), key}
				}
			}
		}
	}
	return found
}

// secretValues returns the values of a manifest's Secret, by their keys.
func secretValues(secret map[string]any) map[string]string {
	values := map[string]string{}
	data, _ := secret["data"].(map[string]any)
	for key, value := range data {
		text, _ := value.(string)
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			values[key] = string(decoded)
		}
	}
	plain, _ := secret["stringData"].(map[string]any)
	for key, value := range plain {
		values[key], _ = value.(string)
	}
	return values
}

// findRunning puts values that run already in the place of new ones, and reports
// whether there are any: the app is then to be rendered with those.
func (e *Engine) findRunning(ctx context.Context, repo name.Repo, spec appfile.App, is *provision, objects []*manifest.Object) (bool, *manifest.Problem) {
	fresh := map[string]string{}
	for _, f := range is.fates {
		if f.Is == fateNew {
			fresh[f.Path] = is.texts[f.Path]
		}
	}
	cluster := e.Clusters.Get(spec.Cluster)
	if len(fresh) == 0 || cluster == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	found := map[string]generated.Value{}
	for path, at := range keysOf(fresh, objects, spec.Namespace) {
		if at.namespace == kube.SystemNamespace {
			continue // the plan refuses the object, and nothing of the server's own is read
		}
		if e.grantOf(repo) != nil && cluster.CheckGrant(ctx, e.grantOf(repo), repo, manifest.ID{Kind: manifest.SecretKind.Kind, Namespace: at.namespace, Name: at.name}) != nil {
			continue // likewise
		}
		data, err := e.as(repo, cluster).api.ReadData(ctx, manifest.SecretKind.Kind, at.namespace, at.name)
		if err != nil {
			lacks := manifest.LackedBy(err)
			again := manifest.Again("when cluster " + spec.Cluster + " answers")
			if lacks != (manifest.Right{}) {
				again = manifest.Remedy{}
			}
			return false, &manifest.Problem{
				App: spec.Name, Source: manifest.Source{File: appfile.Name, Line: spec.Helm.Line},
				Message: fmt.Sprintf("find out whether %s of app %s runs with a value already: %v", path, spec.Name, err),
				Remedy:  again, Lacks: lacks,
			}
		}
		if text := data[at.key]; len(text) > 0 && len(text) <= maxFound && utf8.Valid(text) {
			found[path] = generated.Value{Text: string(text), Made: time.Now(), From: generated.FromSecret, Of: at.namespace + "/" + at.name}
		}
	}
	is.take(found, spec.Helm.Generated)
	is.print = e.printOf(is.texts)
	return len(found) > 0, nil
}

// maxFound bounds a value that is taken from a cluster, in bytes.
const maxFound = 64 << 10

// take puts values in the place of new ones.
func (p *provision) take(found map[string]generated.Value, declared []appfile.Generated) {
	for i, f := range p.fates {
		if value, ok := found[f.Path]; ok {
			p.set[f.Path] = value
			p.fates[i].Is = "kept as in Secret " + value.Of
		}
	}
	p.texts = p.set.Texts(declared)
}
