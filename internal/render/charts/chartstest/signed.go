package chartstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// indexType is the media type of a list of manifests.
const indexType = "application/vnd.oci.image.index.v1+json"

// typeOf is the media type that a manifest says it has.
func typeOf(manifest []byte) string {
	var text struct {
		MediaType string `json:"mediaType"`
	}
	if json.Unmarshal(manifest, &text) != nil {
		return ""
	}
	return text.MediaType
}

// Digest is that of the manifest of a chart in the OCI registry; "" if there is none.
func (r *Registry) Digest(name, version string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, ok := r.tags[name+":"+strings.ReplaceAll(version, "+", "_")]
	if !ok {
		return ""
	}
	return digest(text)
}

// Sign adds a signature to those of a manifest at its tag, as cosign sign does.
func (r *Registry) Sign(name, of string, payload []byte, annotations map[string]string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	tag := name + ":" + strings.Replace(of, ":", "-", 1) + ".sig"
	manifest := struct {
		Version   int    `json:"schemaVersion"`
		MediaType string `json:"mediaType"`
		Layers    []any  `json:"layers"`
	}{Version: 2, MediaType: manifestType}
	if before, ok := r.tags[tag]; ok {
		if err := json.Unmarshal(before, &manifest); err != nil {
			return fmt.Errorf("sign %s: %w", name, err)
		}
	}
	layer := descriptor("application/vnd.dev.cosign.simplesigning.v1+json", payload)
	layer["annotations"] = annotations
	manifest.Layers = append(manifest.Layers, layer)
	text, err := json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("sign %s: %w", name, err)
	}
	r.blobs[digest(payload)], r.tags[tag] = payload, text
	return nil
}

// bundleType is the media type of a bundle.
const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// emptyType is that of an empty configuration.
const emptyType = "application/vnd.oci.empty.v1+json"

// Attach adds a bundle to what refers to a manifest, as cosign sign --new-bundle-format does.
func (r *Registry) Attach(name, of string, bundle []byte) error {
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "artifactType": bundleType,
		"config": descriptor(emptyType, []byte("{}")), "layers": []any{descriptor(bundleType, bundle)},
		"subject": map[string]any{"mediaType": manifestType, "digest": of},
	})
	if err != nil {
		return fmt.Errorf("attach to %s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[digest(bundle)], r.tags[name+":"+digest(manifest)] = bundle, manifest
	entry := descriptor(manifestType, manifest)
	entry["artifactType"] = bundleType
	if r.plain { // as clients list it
		entry["artifactType"] = emptyType
	}
	r.lists[name+"@"+of] = append(r.lists[name+"@"+of], entry)
	return r.listAtTag(name, of)
}

// listAtTag keeps the list of what refers to a manifest at a tag, as clients do for registries
// that know no referrers.
func (r *Registry) listAtTag(name, of string) error {
	if !r.plain {
		return nil
	}
	text, err := listOf(r.lists[name+"@"+of])
	if err == nil {
		r.tags[name+":"+strings.Replace(of, ":", "-", 1)] = text
	}
	return err
}

func listOf(manifests []any) ([]byte, error) {
	return json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": manifests})
}

// Refer adds something else than a bundle to what refers to a manifest.
func (r *Registry) Refer(name, of, kind string, manifest []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tags[name+":"+digest(manifest)] = manifest
	entry := descriptor(manifestType, manifest)
	entry["artifactType"] = kind
	r.lists[name+"@"+of] = append(r.lists[name+"@"+of], entry)
	return r.listAtTag(name, of)
}

// Plain makes the registry one that knows no referrers: lists of such are at tags.
func (r *Registry) Plain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plain = true
}

// Swap replaces the content of a blob behind its digest.
func (r *Registry) Swap(of, with []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[digest(of)] = with
}

func (r *Registry) referrers(w http.ResponseWriter, asked *http.Request) {
	r.mu.Lock()
	text, err := listOf(append([]any{}, r.lists[asked.PathValue("name")+"@"+asked.PathValue("digest")]...))
	plain := r.plain
	r.mu.Unlock()
	if plain || err != nil {
		http.NotFound(w, asked)
		return
	}
	w.Header().Set("Content-Type", indexType)
	_, _ = w.Write(text) // the client has gone
}
