package manifest

import "strings"

// builtin are the API groups of Kubernetes itself whose objects the API server decodes
// into Go types, in which null is the same as an absent field. apiextensions.k8s.io is
// not among them: schemas may have null as a default.
var builtin = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true, "rbac.authorization.k8s.io": true,
	"networking.k8s.io": true, "storage.k8s.io": true, "coordination.k8s.io": true, "node.k8s.io": true,
	"discovery.k8s.io": true, "events.k8s.io": true, "flowcontrol.apiserver.k8s.io": true, "scheduling.k8s.io": true,
	"admissionregistration.k8s.io": true, "certificates.k8s.io": true, "apiregistration.k8s.io": true,
	"resource.k8s.io": true, "storagemigration.k8s.io": true,
}

// keyed are the fields of built-in kinds whose values are maps from names that people
// choose: null is the empty value of such a name, which exists all the same.
var keyed = map[string]bool{
	"data": true, "binaryData": true, "stringData": true, "labels": true, "annotations": true, "matchLabels": true,
	"selector": true, "nodeSelector": true, "limits": true, "requests": true, "hard": true, "capacity": true,
	"default": true, "defaultRequest": true, "min": true, "max": true, "maxLimitRequestRatio": true,
	"parameters": true, "volumeAttributes": true, "overhead": true,
}

// dropNulls removes the fields of a built-in kind that are null: templates write
// "protocol:" with nothing behind it. Server-side apply does not take null for
// "not written": in the key of a list's element it makes another element of it at
// each apply (kubernetes/kubernetes 1.37: a second port of the same name).
func dropNulls(object map[string]any) {
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	group, _, named := strings.Cut(version, "/")
	if !named {
		group = "" // "v1"
	}
	if builtin[group] && kind != "ControllerRevision" { // which holds objects of any kind
		dropNullsIn(object)
	}
}

func dropNullsIn(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			switch {
			case child == nil:
				delete(v, name)
			case !keyed[name]:
				dropNullsIn(child)
			default:
				dropNullsBelow(child)
			}
		}
	case []any:
		for _, child := range v {
			dropNullsIn(child)
		}
	}
}

// dropNullsBelow keeps the nulls of a map with chosen names. A selector may be such
// a map, or have fields.
func dropNullsBelow(value any) {
	names, ok := value.(map[string]any)
	if !ok {
		dropNullsIn(value)
		return
	}
	for _, child := range names {
		dropNullsIn(child)
	}
}

// AsStored returns a Secret's fields as the API server keeps them: with stringData
// folded into data. Server-side apply forgets that a key of stringData was ours, so
// that the key would stay when it leaves the manifest. AsStored does not change fields,
// and returns it for other objects, and for Secrets whose stringData has anything but
// text.
func AsStored(fields map[string]any) map[string]any {
	texts, ok := fields["stringData"].(map[string]any)
	if !ok || !isSecret(fields) {
		return fields
	}
	for _, value := range texts {
		if _, ok := value.(string); !ok {
			return fields // for the API server to refuse, with the field's name
		}
	}
	if data, there := fields["data"]; there {
		if _, ok := data.(map[string]any); !ok {
			return fields
		}
	}
	stored := copyOf(fields)
	foldStringData(stored)
	return stored
}
