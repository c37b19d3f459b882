package jq

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// truth reports whether a value counts as true: all but null and false.
func truth(value any) bool { return value != nil && value != false }

// float is a number, as the objects of Kubernetes and literals have them.
func float(value any) (number float64, ok bool) {
	switch value := value.(type) {
	case int64:
		return float64(value), true
	case float64:
		return value, true
	}
	return 0, false
}

// The kinds of values in jq, in its order.
const (
	aNull = iota
	aFalse
	aTrue
	aNumber
	aText
	aList
	aMap
)

// kindOf is the kind of a value.
func kindOf(value any) int {
	switch value := value.(type) {
	case nil:
		return aNull
	case bool:
		if value {
			return aTrue
		}
		return aFalse
	case string:
		return aText
	case []any:
		return aList
	case map[string]any:
		return aMap
	}
	return aNumber
}

// typeOf is jq's name of a value's kind.
func typeOf(value any) string {
	return [...]string{"null", "boolean", "boolean", "number", "string", "array", "object"}[kindOf(value)]
}

// orderOf compares two values, as jq orders them: negative if left comes first.
func orderOf(r *run, left, right any) (int, error) {
	if err := r.spend(1); err != nil {
		return 0, err
	}
	if kind, other := kindOf(left), kindOf(right); kind != other {
		return cmp.Compare(kind, other), nil
	}
	switch left := left.(type) {
	case nil, bool:
		return 0, nil
	case string:
		right, _ := right.(string)
		return cmp.Compare(left, right), r.spend(min(len(left), len(right)) / 100)
	case []any:
		right, _ := right.([]any)
		return compareLists(r, left, right)
	case map[string]any:
		right, _ := right.(map[string]any)
		return compareMaps(r, left, right)
	}
	return compareNumbers(left, right), nil
}

// compareNumbers compares whole numbers exactly.
func compareNumbers(left, right any) int {
	l, whole := left.(int64)
	if r, also := right.(int64); whole && also {
		return cmp.Compare(l, r)
	}
	a, _ := float(left)
	b, _ := float(right)
	return cmp.Compare(a, b)
}

func compareLists(r *run, left, right []any) (int, error) {
	for i := range min(len(left), len(right)) {
		if order, err := orderOf(r, left[i], right[i]); order != 0 || err != nil {
			return order, err
		}
	}
	return cmp.Compare(len(left), len(right)), nil
}

// compareMaps compares the keys of two maps first.
func compareMaps(r *run, left, right map[string]any) (int, error) {
	if err := r.spend(len(left) + len(right)); err != nil {
		return 0, err
	}
	keys := slices.Sorted(maps.Keys(left))
	if order := slices.Compare(keys, slices.Sorted(maps.Keys(right))); order != 0 {
		return order, nil
	}
	for _, key := range keys {
		if order, err := orderOf(r, left[key], right[key]); order != 0 || err != nil {
			return order, err
		}
	}
	return 0, nil
}

// contains reports whether a value has all of another one, as jq's contains does. Values of
// different kinds are an error.
func contains(r *run, value, part any) (bool, error) {
	if err := r.spend(1); err != nil {
		return false, err
	}
	switch value := value.(type) {
	case string:
		if part, ok := part.(string); ok {
			return strings.Contains(value, part), r.spend(len(value) / 20)
		}
	case []any:
		if part, ok := part.([]any); ok {
			return listContains(r, value, part)
		}
	case map[string]any:
		if part, ok := part.(map[string]any); ok {
			return mapContains(r, value, part)
		}
	default:
		kind, other := kindOf(value), kindOf(part)
		switch {
		case kind == other && kind == aNumber:
			return compareNumbers(value, part) == 0, nil
		case kind == other:
			return true, nil
		}
	}
	return false, errKind
}

func listContains(r *run, value, part []any) (bool, error) {
	for _, wanted := range part {
		there := slices.ContainsFunc(value, func(element any) bool {
			ok, err := contains(r, element, wanted)
			return ok && err == nil || r.left < 0
		})
		if !there || r.left < 0 {
			return false, r.spend(0)
		}
	}
	return true, nil
}

func mapContains(r *run, value, part map[string]any) (bool, error) {
	for key, wanted := range part {
		have, known := value[key]
		if !known {
			return false, nil
		}
		if ok, err := contains(r, have, wanted); !ok || err != nil {
			return false, r.spend(0)
		}
	}
	return true, nil
}

// has reports whether a map has a key, or a list an index.
func has(value, key any) (bool, error) {
	switch value := value.(type) {
	case nil:
		return false, nil
	case map[string]any:
		if key, ok := key.(string); ok {
			_, known := value[key]
			return known, nil
		}
	case []any:
		if at, ok := float(key); ok {
			return at >= 0 && at < float64(len(value)), nil
		}
	}
	return false, errKind
}
