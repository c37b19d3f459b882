package manifest

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Variant is an object as it is rendered with other hidden values.
type Variant struct {
	Object map[string]any
	// Same reports whether two texts, of the object and of its variant, are the same
	// but for those values where they stand as they are.
	Same func(text, other string) bool
}

// ConcealDependent conceals the fields of an object that are not the same in its
// variants: they have been made of the values that differ, whatever was done to
// those. A field that only some of the variants have is compared with these.
// Without variants nothing is known, and all fields are concealed that say more than
// which object it is.
func (o *Object) ConcealDependent(variants []Variant) {
	if len(variants) == 0 {
		o.Conceal(o.contents()...)
		return
	}
	d := dependent{object: o}
	peers := make([]peer, len(variants))
	for i, v := range variants {
		peers[i] = peer{v.Object, v.Same}
	}
	d.value(nil, o.Object, peers)
}

// contents are pointers to everything in an object but its identity, and but the values
// of a Secret, which are masked anyway.
func (o *Object) contents() []string {
	pointers := []string{"/metadata/labels", "/metadata/annotations", "/type"}
	for field := range o.Object {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "type"}, field) && !isSecret(o.Object) {
			pointers = append(pointers, "/"+EscapeStep(field))
		}
	}
	slices.Sort(pointers)
	return pointers
}

// dependent conceals the dependent fields of an object.
type dependent struct{ object *Object }

// peer is a value of a variant at the place of one of the object.
type peer struct {
	value any
	same  func(text, other string) bool
}

func (d dependent) value(path []string, value any, peers []peer) {
	switch v := value.(type) {
	case map[string]any:
		d.mapping(path, v, peers)
	case []any:
		d.list(path, v, peers)
	default:
		if d.masked(path) {
			return
		}
		if slices.ContainsFunc(peers, func(p peer) bool { return !p.equals(v) }) {
			d.conceal(path)
		}
	}
}

func (p peer) equals(value any) bool {
	text, isText := value.(string)
	other, wasText := p.value.(string)
	if isText && wasText {
		return text == other || p.same(text, other)
	}
	return reflect.DeepEqual(value, p.value)
}

func (d dependent) mapping(path []string, fields map[string]any, peers []peer) {
	var others []peer
	for _, p := range peers {
		if _, ok := p.value.(map[string]any); ok {
			others = append(others, p)
		}
	}
	for _, key := range sortedKeys(fields) {
		var inner []peer
		for _, p := range others {
			if value, ok := p.value.(map[string]any)[key]; ok { //nolint:errcheck // those that are none are left out above
				inner = append(inner, peer{value, p.same})
			}
		}
		if len(inner) == 0 { // the key itself may be made of a value, or its presence
			d.conceal(path)
			if len(key) >= shortSecret {
				d.object.Hide(key)
			}
			return
		}
		d.value(append(slices.Clip(path), key), fields[key], inner)
	}
}

func (d dependent) list(path []string, elements []any, peers []peer) {
	var others []peer
	for _, p := range peers {
		if list, ok := p.value.([]any); ok && len(list) == len(elements) {
			others = append(others, p)
		}
	}
	if len(others) == 0 && !d.masked(path) {
		d.conceal(path)
		return
	}
	for i, element := range elements {
		inner := make([]peer, len(others))
		for j, p := range others {
			inner[j] = peer{p.value.([]any)[i], p.same} //nolint:errcheck // those that are none are left out above
		}
		d.value(append(slices.Clip(path), strconv.Itoa(i)), element, inner)
	}
}

// masked reports whether a field is masked by its kind: those of Secrets are, but
// for their keys.
func (d dependent) masked(path []string) bool {
	return isSecret(d.object.Object) && !slices.Contains(shownOfSecret, path[0])
}

// conceal conceals a field of the object; at its root, all of its fields.
func (d dependent) conceal(path []string) {
	if len(path) == 0 || len(path) == 1 && path[0] == "metadata" {
		d.object.Conceal(d.object.contents()...)
		return
	}
	escaped := make([]string, len(path))
	for i, step := range path {
		escaped[i] = EscapeStep(step)
	}
	d.object.Conceal("/" + strings.Join(escaped, "/"))
}
