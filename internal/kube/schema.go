package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

const (
	// maxSchemaBytes bounds one group's OpenAPI document. The largest of
	// Kubernetes 1.37, apps/v1, has 0.7 MB; a group with many large CRDs may
	// have ten times that.
	maxSchemaBytes = 32 << 20
	// maxSchemas bounds the number of kept documents; they are only read when a push
	// has a misspelled field.
	maxSchemas = 8
	// schemaAge is how long a document counts: definitions change without Pushboat's
	// doing.
	schemaAge = time.Minute
)

// schemas reads the OpenAPI v3 document of a kind's group when an error has to be
// explained, and never otherwise: parsing one for each object is most of the cost of
// kubectl apply (85 % of its CPU, measured).
type schemas struct {
	client rest.Interface

	mu    sync.Mutex
	known map[schema.GroupVersion]*document
	order []schema.GroupVersion // least recently used first
}

func newSchemas(client rest.Interface) *schemas {
	return &schemas{client: client, known: map[schema.GroupVersion]*document{}}
}

func (s *schemas) invalidate() {
	s.mu.Lock()
	s.known, s.order = map[schema.GroupVersion]*document{}, nil
	s.mu.Unlock()
}

// of returns the document of a group version.
func (s *schemas) of(ctx context.Context, gv schema.GroupVersion) (*document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = slices.DeleteFunc(s.order, func(known schema.GroupVersion) bool { return known == gv })
	doc, ok := s.known[gv]
	if !ok || time.Since(doc.read) > schemaAge {
		var err error
		if doc, err = s.fetch(ctx, gv); err != nil {
			return nil, err
		}
		s.known[gv] = doc
	}
	s.order = append(s.order, gv)
	if len(s.order) > maxSchemas {
		delete(s.known, s.order[0])
		s.order = s.order[1:]
	}
	return doc, nil
}

func (s *schemas) fetch(ctx context.Context, gv schema.GroupVersion) (*document, error) {
	at, err := apiPath(gv)
	if err != nil {
		return nil, err
	}
	body, err := s.client.Get().AbsPath("/openapi/v3"+at).SetHeader("Accept", "application/json").Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", gv, err)
	}
	defer body.Close()
	doc := new(document)
	if err := json.NewDecoder(io.LimitReader(body, maxSchemaBytes)).Decode(doc); err != nil {
		return nil, fmt.Errorf("read the schema of %s: %w", gv, err)
	}
	doc.read = time.Now()
	return doc, nil
}

// document is the part of an OpenAPI v3 document that has the names and types of
// fields.
type document struct {
	read       time.Time
	Components struct {
		Schemas map[string]*node `json:"schemas"`
	} `json:"components"`
}

// node is one schema.
type node struct {
	Ref         string           `json:"$ref"`
	Type        string           `json:"type"`
	Format      string           `json:"format"`
	Properties  map[string]*node `json:"properties"`
	Items       *node            `json:"items"`
	Additional  json.RawMessage  `json:"additionalProperties"` // a schema, or a boolean
	AllOf       []*node          `json:"allOf"`
	Preserve    bool             `json:"x-kubernetes-preserve-unknown-fields"`
	IntOrString bool             `json:"x-kubernetes-int-or-string"`
	Kinds       []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

// kind returns the schema of a kind, or nil.
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

// resolve follows references and single-element allOf, as far as reasonable documents
// go.
func (d *document) resolve(n *node) *node {
	for range 10 {
		switch {
		case n == nil:
			return nil
		case n.Ref != "":
			n = d.Components.Schemas[strings.TrimPrefix(n.Ref, "#/components/schemas/")]
		case len(n.AllOf) == 1 && len(n.Properties) == 0:
			n = n.AllOf[0]
		default:
			return n
		}
	}
	return nil
}

// isQuantity reports whether the schema is a reference to a resource quantity.
func (n *node) isQuantity() bool {
	if len(n.AllOf) == 1 {
		n = n.AllOf[0]
	}
	return strings.HasSuffix(n.Ref, "/io.k8s.apimachinery.pkg.api.resource.Quantity")
}

// values returns the schema of a map's values, or nil.
func (n *node) values() *node {
	value := new(node)
	if json.Unmarshal(n.Additional, value) != nil {
		return nil
	}
	return value
}

// fields returns the names of a schema's fields.
func (n *node) fields() []string {
	if n == nil {
		return nil
	}
	names := make([]string, 0, len(n.Properties))
	for name := range n.Properties {
		names = append(names, name)
	}
	return names
}
