package unions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// document has the parts of an OpenAPI v3 document that are needed to write objects.
type document struct {
	Components struct {
		Schemas map[string]*node `json:"schemas"`
	} `json:"components"`
}

// node is one schema.
type node struct {
	Ref         string           `json:"$ref"`
	AllOf       []*node          `json:"allOf"`
	Type        string           `json:"type"`
	Format      string           `json:"format"`
	Properties  map[string]*node `json:"properties"`
	Required    []string         `json:"required"`
	Items       *node            `json:"items"`
	Values      *node            `json:"additionalProperties"`
	Enum        []any            `json:"enum"`
	IntOrString bool             `json:"x-kubernetes-int-or-string"`
	Kinds       []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`

	name string // name of the definition; "" for a schema without a name
}

// readDocument reads the schemas of a version of a group.
func readDocument(ctx context.Context, client rest.Interface, gv schema.GroupVersion) (*document, error) {
	path := "/openapi/v3/apis/" + gv.String()
	if gv.Group == "" {
		path = "/openapi/v3/api/" + gv.Version
	}
	data, err := client.Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schemas of %s: %w", gv, err)
	}
	doc := new(document)
	if err := json.Unmarshal(data, doc); err != nil {
		return nil, fmt.Errorf("read the schemas of %s: %w", gv, err)
	}
	for name, n := range doc.Components.Schemas {
		n.name = name
	}
	return doc, nil
}

// kind is the schema of a kind.
func (d *document) kind(gvk schema.GroupVersionKind) *node {
	for _, n := range d.Components.Schemas {
		for _, k := range n.Kinds {
			if k.Group == gvk.Group && k.Version == gvk.Version && k.Kind == gvk.Kind {
				return n
			}
		}
	}
	return nil
}

// resolve follows references to other schemas.
func (d *document) resolve(n *node) *node {
	for range 10 {
		switch {
		case n.Ref != "":
			n = d.Components.Schemas[strings.TrimPrefix(n.Ref, "#/components/schemas/")]
		case len(n.AllOf) == 1 && len(n.Properties) == 0:
			n = n.AllOf[0]
		default:
			return n
		}
	}
	return n
}

// samples are values for fields by name, where the schema does not tell which values the
// API server accepts.
var samples = map[string]any{
	"port": int64(80), "number": int64(80), "containerPort": int64(80), "targetPort": int64(80), "path": "/p",
	"mountPath": "/m", "cidr": "10.0.0.0/8", "ip": "10.0.0.1", "apiVersion": "v1", "fieldPath": "metadata.name",
	"resource": "limits.cpu", "apiGroups": []any{"none.example.org"}, "apiVersions": []any{"v1"}, "resources": []any{"none"},
	"operations": []any{"CREATE"}, "expression": "true", "url": "https://a.example.org", "driver": "a.example.org",
	"nonResourceURLs": []any{"/x"}, "verbs": []any{"get"}, "host": "a.example.org", "externalName": "a.example.org",
	"schedule": "0 0 1 1 *", "provisioner": "a.example.org", "pool": "a", "topologyKey": "kubernetes.io/hostname",
	"key": "a", "operator": "Exists", "whenUnsatisfiable": "DoNotSchedule", "user": "a", "pathType": "Prefix",
	"deviceClassName": "a.example.org", "signerName": "a.example.org/b", "apiGroup": "example.org", "deviceID": "a",
	"monitors": []any{"a"}, "targetWWNs": []any{"a"}, "lun": int64(1), "accessModes": []any{"ReadWriteOnce"},
	"iqn": "iqn.2001-04.com.example:a", "targetPortal": "10.0.0.1:3260", "repository": "https://a.example.org/a.git",
	"diskURI": "https://a.example.org/a", "gateway": "https://a.example.org", "nominalConcurrencyShares": int64(1),
	"averageUtilization": int64(50), "averageValue": "1", "handSize": int64(2), "queues": int64(8), "nodeName": "a",
}

// sample makes a value for a field; for an object, its required fields.
func (d *document) sample(name string, n *node, depth int) any {
	if value, ok := samples[name]; ok {
		return value
	}
	n = d.resolve(n)
	switch {
	case len(n.Enum) > 0:
		return n.Enum[0]
	case n.IntOrString, n.Type == "integer", n.Type == "number":
		return int64(1)
	case n.Type == "boolean":
		return true
	case strings.HasSuffix(n.name, ".Quantity"):
		return "1"
	case n.Format == "date-time":
		return "2026-01-01T00:00:00Z"
	case n.Format == "byte":
		return "YQ=="
	case n.Type == "array" && depth > 0:
		return []any{d.sample("", n.Items, depth-1)}
	case n.Values != nil && depth > 0:
		return map[string]any{"a": d.sample("", n.Values, depth-1)}
	case n.Type == "object":
		fields := map[string]any{}
		for _, required := range n.Required {
			if depth > 0 {
				fields[required] = d.sample(required, n.Properties[required], depth-1)
			}
		}
		return fields
	case n.Type == "array":
		return []any{}
	}
	return "a"
}

// names are the sorted names of a schema's properties.
func (n *node) names() []string {
	names := make([]string, 0, len(n.Properties))
	for name := range n.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
